/** What waits for a decision. Beside the list, where there is room, the action itself. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Inbox } from 'lucide-react';
import { useRef, useState } from 'react';
import { query } from '../api/queries.ts';
import { serverNow } from '../api/server-time.ts';
import { ActionPanel } from '../components/action/action-panel.tsx';
import { ActionRow, ActionRows } from '../components/action-row.tsx';
import { groupRepeats, noisyAskers, type RepeatGroup } from '../components/group-repeats.ts';
import { Loaded } from '../components/loaded.tsx';
import { PendingRow } from '../components/pending-row.tsx';
import { buttonClass } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { Empty } from '../ui/empty.tsx';
import { Kbd } from '../ui/kbd.tsx';
import { useKeys, useListKeys } from '../ui/keys.ts';
import { useMedia } from '../ui/media.ts';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';

export function InboxPage() {
  const pending = useQuery(query('listActions', { state: 'awaiting_approval', limit: 100 }));
  return (
    <>
      <PageHead
        title="Inbox"
        tab="Inbox"
        lead={
          <span className="hidden items-center gap-1.5 text-sm sm:flex">
            <Kbd>j</Kbd> <Kbd>k</Kbd> move, <Kbd>a</Kbd> approve, <Kbd>r</Kbd> reject
          </span>
        }
      />
      <Loaded query={pending} lines={5}>
        {({ actions }) => (actions.length === 0 ? <NothingWaits /> : <Waiting groups={groupRepeats(actions)} />)}
      </Loaded>
    </>
  );
}

function Waiting({ groups }: { groups: readonly RepeatGroup[] }) {
  const navigate = useNavigate();
  const list = useRef<HTMLDivElement>(null);
  const wide = useMedia('(width >= 1280px)');
  const [selected, setSelected] = useState<string | null>(null);
  const noisy = noisyAskers(
    groups.flatMap(({ actions }) => actions),
    serverNow(),
  );
  useListKeys(list);
  const ids = groups.flatMap(({ actions }) => actions.map(({ id }) => id));
  const shown = selected !== null && ids.includes(selected) ? selected : (ids[0] ?? null);
  const focused = () => document.activeElement?.closest<HTMLElement>('[data-row]')?.dataset.row ?? shown;
  const ask = (asking: 'approve' | 'reject') => {
    const id = focused();
    if (id) void navigate({ to: '/actions/$action', params: { action: id }, search: { ask: asking } });
  };
  // Beside an open action the keys belong to it.
  useKeys(wide ? {} : { a: () => ask('approve'), r: () => ask('reject') });
  return (
    <div className="xl:grid xl:grid-cols-[23rem_minmax(0,1fr)] xl:items-start xl:gap-7">
      <div ref={list} className="space-y-3 xl:sticky xl:top-8">
        {noisy.map(({ name, count }) => (
          <Notice key={name} tone="warn" title={`${name} asked ${count} times within ten minutes.`}>
            Read each plan; end its token if this is not what you expect.
          </Notice>
        ))}
        <ActionRows label="Waiting for a decision">
          {groups.map((group) => (
            <PendingRow
              key={group.first.id}
              group={group}
              selected={wide ? shown : null}
              onSelect={wide ? setSelected : null}
            />
          ))}
        </ActionRows>
      </div>
      {wide && shown && <ActionPanel key={shown} id={shown} level={2} />}
    </div>
  );
}

function NothingWaits() {
  const recent = useQuery(query('listActions', { limit: 8 }));
  return (
    <div className="space-y-7">
      <Empty
        icon={Inbox}
        title="Nothing waits for you"
        action={
          <>
            <Link to="/playbooks" className={buttonClass('plain')}>
              Try a playbook
            </Link>
            <Link to="/connect" className={buttonClass('quiet')}>
              Connect your assistant
            </Link>
          </>
        }
      >
        When an assistant asks for a change, it appears here and in Telegram, and waits for your decision.
      </Empty>
      <Loaded query={recent}>
        {({ actions }) =>
          actions.length > 0 && (
            <Section title="Decided lately">
              <ActionRows label="Decided lately">
                {actions.map((action) => (
                  <ActionRow key={action.id} action={action} />
                ))}
              </ActionRows>
            </Section>
          )
        }
      </Loaded>
    </div>
  );
}
