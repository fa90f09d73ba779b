/** One server in the list: who it is, how it is, what it allows. */
import type { ServerView } from '@countersign/protocol/operator-api/index';
import { Link } from '@tanstack/react-router';
import { BellRing } from 'lucide-react';
import { Badge, Tag } from '../ui/badge.tsx';
import { Meter } from '../ui/meter.tsx';
import { When } from '../ui/time.tsx';
import { ModeBadge, ServerStateBadge } from './states.tsx';

export function ServerLine({ server }: { server: ServerView }) {
  const { sample, state } = server;
  return (
    <li>
      <Link
        to="/servers/$server"
        params={{ server: server.id }}
        data-row={server.id}
        className="grid gap-x-6 gap-y-2 px-4 py-3 -outline-offset-2 hover:bg-sunken md:grid-cols-[minmax(0,1fr)_auto] lg:grid-cols-[minmax(0,1fr)_20rem_17rem] lg:items-center"
      >
        <span className="min-w-0">
          <span className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
            <span className="font-medium">{server.name}</span>
            {Object.entries(server.labels).map(([name, value]) => (
              <Tag key={name} mono>
                {name}={value}
              </Tag>
            ))}
          </span>
          <span className="block truncate text-sm text-dim">
            {server.os ?? 'System not known yet'}
            {state !== 'online' && server.last_seen_at && (
              <>
                {' '}
                · last seen <When at={server.last_seen_at} />
              </>
            )}
          </span>
        </span>
        <span className="flex flex-wrap items-center gap-2 md:justify-end lg:order-last">
          {server.firing_alerts > 0 && (
            <Badge tone="crit" icon={BellRing}>
              {server.firing_alerts} {server.firing_alerts === 1 ? 'alert' : 'alerts'}
            </Badge>
          )}
          <ModeBadge mode={server.mode} locked={server.locked} />
          <ServerStateBadge state={state} />
        </span>
        {sample && state === 'online' ? (
          <span className="flex flex-wrap gap-x-5 gap-y-1 text-xs text-dim max-lg:col-span-full lg:justify-end">
            <span className="flex items-center gap-1.5">
              load <span className="w-8 text-right text-ink">{sample.load1_per_cpu.toFixed(2)}</span>
            </span>
            <span className="flex items-center gap-1.5">
              mem <Meter label="Memory" ratio={sample.memory_used_ratio} limit={0.92} />
            </span>
            {sample.fullest_mount && (
              <span className="flex items-center gap-1.5">
                disk <Meter label={`Disk ${sample.fullest_mount.mount}`} ratio={sample.fullest_mount.used_ratio} />
              </span>
            )}
          </span>
        ) : (
          <span className="max-lg:hidden" />
        )}
      </Link>
    </li>
  );
}
