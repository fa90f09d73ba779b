/** What needs a person now, and what is left to set up. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck, Plus, Server } from 'lucide-react';
import { useRef } from 'react';
import { query } from '../api/queries.ts';
import { ActionRow, ActionRows } from '../components/action-row.tsx';
import { AlertList } from '../components/alert-list.tsx';
import { Checklist } from '../components/checklist.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Timeline } from '../components/timeline.tsx';
import { buttonClass } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { cx } from '../ui/cx.ts';
import { Empty } from '../ui/empty.tsx';
import { useListKeys } from '../ui/keys.ts';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';

export function OverviewPage() {
  const overview = useQuery(query('getOverview', {}));
  const timeline = useQuery(query('getTimeline', { limit: 12 }));
  const lists = useRef<HTMLDivElement>(null);
  useListKeys(lists);
  return (
    <>
      <PageHead title="Overview" tab="Overview" />
      <Loaded query={overview} lines={6}>
        {({ servers, pending, running, firing, checklist, notices }) => (
          <div ref={lists} className="space-y-7">
            {notices.length > 0 && (
              <div className="space-y-2">
                {notices.map(({ severity, text }) => (
                  <Notice key={text} tone={severity === 'critical' ? 'crit' : severity === 'warning' ? 'warn' : 'info'}>
                    {text}
                  </Notice>
                ))}
              </div>
            )}
            <Section
              title={pending.length === 0 ? 'Waiting for you' : `Waiting for you (${pending.length})`}
              aside={
                pending.length > 0 && (
                  <Link to="/inbox" className={buttonClass('quiet', 'sm')}>
                    Open the inbox
                  </Link>
                )
              }
            >
              {pending.length === 0 ? (
                <p className="flex items-center gap-2 rounded-xl border border-line bg-surface px-4 py-3 text-dim shadow-lift">
                  <CircleCheck aria-hidden className="size-4 text-ok" /> Nothing waits for a decision.
                </p>
              ) : (
                <ActionRows label="Waiting for a decision">
                  {pending.map((action) => (
                    <ActionRow key={action.id} action={action} />
                  ))}
                </ActionRows>
              )}
            </Section>
            <Checklist items={checklist} />
            <Health servers={servers} firing={firing.length} running={running.length} />
            {running.length > 0 && (
              <Section title="Under way">
                <ActionRows label="Under way">
                  {running.map((action) => (
                    <ActionRow key={action.id} action={action} />
                  ))}
                </ActionRows>
              </Section>
            )}
            {firing.length > 0 && (
              <Section title="Firing alerts">
                <AlertList alerts={firing} />
              </Section>
            )}
          </div>
        )}
      </Loaded>
      <div className="mt-7">
        <Loaded query={timeline}>
          {({ entries }) =>
            entries.length > 0 && (
              <Section
                title="Lately"
                aside={
                  <Link to="/audit" className={buttonClass('quiet', 'sm')}>
                    Audit log
                  </Link>
                }
              >
                <Timeline entries={entries} />
              </Section>
            )
          }
        </Loaded>
      </div>
    </>
  );
}

interface HealthProps {
  servers: { online: number; offline: number; awaiting_agent: number };
  firing: number;
  running: number;
}

function Health({ servers, firing, running }: HealthProps) {
  if (servers.online + servers.offline + servers.awaiting_agent === 0)
    return (
      <Empty
        icon={Server}
        title="No servers yet"
        action={
          <Link to="/servers/add" className={buttonClass('primary')}>
            <Plus aria-hidden className="size-4" /> Add a server
          </Link>
        }
      >
        One command installs the agent; it dials out, so no port has to be opened.
      </Empty>
    );
  return (
    <Section title="Health">
      <ul className="grid grid-cols-2 gap-px overflow-hidden rounded-xl border border-line bg-line shadow-lift sm:grid-cols-5">
        <Figure to="/servers" search={{ state: 'online' }} count={servers.online} label="online" />
        <Figure to="/servers" search={{ state: 'offline' }} count={servers.offline} label="offline" bad="text-crit" />
        <Figure
          to="/servers"
          search={{ state: 'awaiting_agent' }}
          count={servers.awaiting_agent}
          label="awaiting agent"
          bad="text-warn"
        />
        <Figure
          to="/alerts"
          search={{}}
          count={firing}
          label={firing === 1 ? 'alert firing' : 'alerts firing'}
          bad="text-crit"
        />
        <Figure to="/actions" search={{ open: 'true' }} count={running} label="under way" last />
      </ul>
    </Section>
  );
}

interface FigureProps {
  to: '/servers' | '/alerts' | '/actions';
  search: object;
  count: number;
  label: string;
  bad?: string;
  last?: boolean;
}

function Figure({ to, search, count, label, bad, last = false }: FigureProps) {
  return (
    <li className={cx('bg-surface', last && 'max-sm:col-span-2')}>
      <Link to={to} search={search} className="block px-4 py-3 -outline-offset-2 hover:bg-sunken">
        <span className={cx('block text-xl font-semibold tracking-tight', count > 0 && bad)}>{count}</span>
        <span className="text-sm text-dim">{label}</span>
      </Link>
    </li>
  );
}
