/** All actions, newest first. */
import { type ActionState, actionStateSchema } from '@countersign/protocol/action-lifecycle';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Activity } from 'lucide-react';
import { useRef } from 'react';
import { pages, query } from '../api/queries.ts';
import { ActionRow, ActionRows } from '../components/action-row.tsx';
import { Loaded } from '../components/loaded.tsx';
import { actionLooks } from '../components/states.tsx';
import { buttonClass } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Select } from '../ui/field.tsx';
import { useListKeys } from '../ui/keys.ts';
import { MoreButton } from '../ui/more-button.tsx';
import { PageHead } from '../ui/page-head.tsx';

export function ActionsPage() {
  const search = useSearch({ from: '/app/actions' });
  const navigate = useNavigate({ from: '/actions' });
  const list = useRef<HTMLDivElement>(null);
  const servers = useQuery(query('listServers', { limit: 200 }));
  const { state, server, open } = search;
  const actions = useInfiniteQuery(
    pages('listActions', { limit: 30, ...(state && { state }), ...(server && { server }), ...(open && { open }) }),
  );
  useListKeys(list);
  const change = (next: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const filtered = Boolean(state ?? server ?? open);
  return (
    <>
      <PageHead title="Actions" tab="Actions" lead="Everything that was ever asked for, and what became of it." />
      <div className="mb-4 flex flex-wrap gap-2">
        <Select
          aria-label="State"
          data-search
          value={open === 'true' ? 'open' : (state ?? '')}
          onChange={({ target: { value } }) =>
            change({
              open: value === 'open' ? 'true' : undefined,
              state: value === 'open' || value === '' ? undefined : (value as ActionState),
            })
          }
        >
          <option value="">All states</option>
          <option value="open">Open</option>
          {actionStateSchema.options.map((each) => (
            <option key={each} value={each}>
              {actionLooks[each].word}
            </option>
          ))}
        </Select>
        <Select
          aria-label="Server"
          value={server ?? ''}
          onChange={({ target: { value } }) => change({ server: value || undefined })}
        >
          <option value="">All servers</option>
          {servers.data?.servers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
        {filtered && (
          <Link to="/actions" className={buttonClass('quiet')}>
            Clear
          </Link>
        )}
      </div>
      <Loaded query={actions} lines={8}>
        {({ pages: all }) => {
          const found = all.flatMap((page) => page.actions);
          if (found.length === 0) return <None filtered={filtered} />;
          return (
            <div ref={list}>
              <ActionRows label="Actions">
                {found.map((action) => (
                  <ActionRow key={action.id} action={action} />
                ))}
              </ActionRows>
              <MoreButton query={actions} />
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

function None({ filtered }: { filtered: boolean }) {
  if (filtered) return <Empty icon={Activity} title="No action is like that." />;
  return (
    <Empty
      icon={Activity}
      title="No actions yet"
      action={
        <Link to="/playbooks" className={buttonClass('primary')}>
          Try a playbook
        </Link>
      }
    >
      Run a harmless playbook to see the whole loop: ask, approve, run, audit.
    </Empty>
  );
}
