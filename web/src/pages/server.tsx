/** One server: how it is, what is wrong with it, what can be done to it. */
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { ChevronLeft, Stethoscope } from 'lucide-react';
import { query } from '../api/queries.ts';
import { Diagnose } from '../components/diagnose.tsx';
import { Loaded } from '../components/loaded.tsx';
import { ServerHistory } from '../components/server-history.tsx';
import { ServerOverview } from '../components/server-overview.tsx';
import { ServerPlaybooks } from '../components/server-playbooks.tsx';
import { ServerSettings } from '../components/server-settings.tsx';
import { ModeBadge, ServerStateBadge } from '../components/states.tsx';
import { Tag } from '../ui/badge.tsx';
import { buttonClass } from '../ui/button.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { When } from '../ui/time.tsx';

export function ServerPage() {
  const { server: ref } = useParams({ from: '/app/servers/$server' });
  const server = useQuery(query('getServerStatus', { server: ref }));
  return (
    <>
      <Link
        to="/servers"
        className="-ml-1 mb-2 inline-flex min-h-6 items-center gap-1 rounded pr-1 text-sm text-dim hover:text-ink"
      >
        <ChevronLeft aria-hidden className="size-4" /> Servers
      </Link>
      {!server.data && <PageHead title={ref} tab={ref} />}
      <Loaded query={server} lines={8}>
        {(it) => <Found server={it} />}
      </Loaded>
    </>
  );
}

function Found({ server }: { server: ServerDetail }) {
  const { tab = 'overview' } = useSearch({ from: '/app/servers/$server' });
  const navigate = useNavigate({ from: '/servers/$server' });
  return (
    <>
      <PageHead
        title={server.name}
        tab={server.name}
        lead={
          <span className="flex flex-wrap items-center gap-2">
            <ServerStateBadge state={server.state} />
            <ModeBadge mode={server.mode} locked={server.locked} />
            {Object.entries(server.labels).map(([name, value]) => (
              <Tag key={name} mono>
                {name}={value}
              </Tag>
            ))}
            {server.last_seen_at && (
              <span className="text-sm">
                last seen <When at={server.last_seen_at} />
              </span>
            )}
          </span>
        }
        actions={
          server.state === 'online' &&
          tab !== 'diagnose' && (
            <Link to="." search={{ tab: 'diagnose' }} className={buttonClass('plain', 'md', 'max-sm:hidden')}>
              <Stethoscope aria-hidden className="size-4" /> Diagnose
            </Link>
          )
        }
      />
      <Tabs
        label={`About ${server.name}`}
        value={tab}
        onChange={(next) => void navigate({ search: next === 'overview' ? {} : { tab: next }, replace: true })}
        items={[
          { id: 'overview', label: 'Overview', content: () => <ServerOverview server={server} /> },
          { id: 'diagnose', label: 'Diagnose', content: () => <Diagnose server={server} /> },
          { id: 'playbooks', label: 'Playbooks', content: () => <ServerPlaybooks server={server} /> },
          { id: 'history', label: 'History', content: () => <ServerHistory server={server} /> },
          { id: 'settings', label: 'Settings', content: () => <ServerSettings server={server} /> },
        ]}
      />
    </>
  );
}
