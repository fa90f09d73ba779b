/** One action in a list: what, where, how it stands, who asked. */
import type { ActionView } from '@countersign/protocol/operator-api/index';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { When } from '../ui/time.tsx';
import { Countdown } from './action/expiry.tsx';
import { ActionStateBadge, RiskBadge } from './states.tsx';

/** Who asked, through what: `Ada, by claude-code`. */
export function asker({ requested_by: { person, token, client } }: Pick<ActionView, 'requested_by'>): string {
  const by = client ?? token?.name;
  return by ? `${person.name}, by ${by}` : person.name;
}

export function ActionRows({ children, label }: { children: ReactNode; label: string }) {
  return (
    <ul
      aria-label={label}
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-lift"
    >
      {children}
    </ul>
  );
}

export function ActionRow({ action, aside }: { action: ActionView; aside?: ReactNode }) {
  const pending = action.state === 'awaiting_approval';
  return (
    <li className="relative">
      <Link
        to="/actions/$action"
        params={{ action: action.id }}
        data-row={action.id}
        className="flex flex-wrap items-center gap-x-4 gap-y-1.5 px-4 py-2.5 -outline-offset-2 hover:bg-sunken focus-visible:bg-sunken"
      >
        <span className="min-w-0 flex-1 basis-64">
          <span className="block font-medium [overflow-wrap:anywhere]">{action.title}</span>
          <span className="block truncate text-sm text-dim">
            {!action.title.endsWith(` on ${action.server.name}`) && `${action.server.name} · `}
            {asker(action)} · <When at={action.requested_at} />
          </span>
        </span>
        <span className="flex flex-wrap items-center gap-2">
          {aside}
          {pending && action.expires_at && (
            <span className="text-sm text-dim">
              <Countdown expiresAt={action.expires_at} />
            </span>
          )}
          {(pending || action.risk === 'high' || action.risk === 'critical') && <RiskBadge risk={action.risk} />}
          {!pending && <ActionStateBadge state={action.state} />}
        </span>
      </Link>
    </li>
  );
}
