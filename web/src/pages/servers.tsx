/** The servers under care and how they are. */
import type { ServerView } from '@countersign/protocol/operator-api/index';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { BellRing, Plus, Search, Server } from 'lucide-react';
import { useRef, useState } from 'react';
import { pages } from '../api/queries.ts';
import { useMay } from '../api/session.ts';
import { Loaded } from '../components/loaded.tsx';
import { ServerLine } from '../components/server-line.tsx';
import { buttonClass } from '../ui/button.tsx';
import { Empty } from '../ui/empty.tsx';
import { Input } from '../ui/field.tsx';
import { useListKeys } from '../ui/keys.ts';
import { MoreButton } from '../ui/more-button.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Segmented } from '../ui/segmented.tsx';

const matches = ({ name, os, labels }: ServerView, text: string) =>
  [name, os ?? '', ...Object.entries(labels).map(([key, value]) => `${key}=${value}`)].some((part) =>
    part.toLowerCase().includes(text.toLowerCase()),
  );

export function ServersPage() {
  const { state } = useSearch({ from: '/app/servers' });
  const navigate = useNavigate({ from: '/servers' });
  const servers = useInfiniteQuery(pages('listServers', { limit: 100, ...(state && { state }) }));
  const [text, setText] = useState('');
  const list = useRef<HTMLDivElement>(null);
  const mayAdd = useMay('owner');
  useListKeys(list);
  const addButton = mayAdd && (
    <Link to="/servers/add" className={buttonClass('primary')}>
      <Plus aria-hidden className="size-4" /> Add a server
    </Link>
  );
  return (
    <>
      <PageHead title="Servers" tab="Servers" actions={addButton} />
      <div className="mb-4 flex flex-wrap gap-2">
        <span className="relative w-full sm:w-64">
          <Search aria-hidden className="absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-faint" />
          <Input
            type="search"
            aria-label="Search servers"
            placeholder="Name, system or label"
            data-search
            className="pl-8"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        </span>
        <Segmented
          label="State"
          value={state ?? 'all'}
          onChange={(next) => void navigate({ search: next === 'all' ? {} : { state: next }, replace: true })}
          options={[
            ['all', 'All'],
            ['online', 'Online'],
            ['offline', 'Offline'],
            ['awaiting_agent', 'Awaiting'],
          ]}
        />
      </div>
      <Loaded query={servers} lines={6}>
        {({ pages: all }) => {
          const found = all.flatMap((page) => page.servers);
          const shown = text === '' ? found : found.filter((server) => matches(server, text));
          if (found.length === 0 && !state) return <NoServers action={addButton} />;
          if (shown.length === 0) return <Empty icon={Server} title="No server is like that." />;
          return (
            <div ref={list}>
              <ul
                aria-label="Servers"
                className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-lift"
              >
                {shown.map((server) => (
                  <ServerLine key={server.id} server={server} />
                ))}
              </ul>
              <MoreButton query={servers} />
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

function NoServers({ action }: { action: React.ReactNode }) {
  return (
    <Empty icon={BellRing} title="No servers yet" action={action}>
      One command on a server installs the agent. It dials out, so no port has to be opened, and it reads only until the
      server’s own policy says otherwise.
    </Empty>
  );
}
