/** A request that waits, with its repeats folded below it. */
import type { ActionView } from '@countersign/protocol/operator-api/index';
import { Link } from '@tanstack/react-router';
import { Layers } from 'lucide-react';
import { type MouseEvent, useState } from 'react';
import { Badge } from '../ui/badge.tsx';
import { cx } from '../ui/cx.ts';
import { When } from '../ui/time.tsx';
import { Countdown } from './action/expiry.tsx';
import { asker } from './action-row.tsx';
import type { RepeatGroup } from './group-repeats.ts';
import { RiskBadge } from './states.tsx';

interface PendingRowProps {
  group: RepeatGroup;
  /** The id of the action that is open beside the list. */
  selected: string | null;
  /** Opens beside the list; null where a row leads to a page. */
  onSelect: ((id: string) => void) | null;
}

export function PendingRow({ group, selected, onSelect }: PendingRowProps) {
  const { first, actions } = group;
  const [open, setOpen] = useState(false);
  return (
    <li>
      <Row action={first} selected={selected === first.id} onSelect={onSelect} />
      {actions.length > 1 && (
        <div className="px-4 pb-2.5">
          <button
            type="button"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            className="flex min-h-6 items-center gap-1.5 rounded text-sm text-dim hover:text-ink"
          >
            <Badge icon={Layers}>{actions.length} times</Badge> {open ? 'Hide the others' : 'Show each'}
          </button>
          {open && (
            <ul className="mt-1.5 divide-y divide-line rounded-lg border border-line">
              {actions.slice(1).map((action) => (
                <li key={action.id}>
                  <Row action={action} selected={selected === action.id} onSelect={onSelect} small />
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </li>
  );
}

interface RowProps {
  action: ActionView;
  selected: boolean;
  onSelect: ((id: string) => void) | null;
  small?: boolean;
}

function Row({ action, selected, onSelect, small = false }: RowProps) {
  const onClick = (event: MouseEvent) => {
    if (!onSelect || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    onSelect(action.id);
  };
  return (
    <Link
      to="/actions/$action"
      params={{ action: action.id }}
      data-row={action.id}
      aria-current={selected || undefined}
      onClick={onClick}
      onFocus={() => onSelect?.(action.id)}
      className={cx(
        'block px-4 -outline-offset-2 hover:bg-sunken aria-current:bg-accent-soft',
        small ? 'py-2 text-sm' : 'py-3',
      )}
    >
      <span className="flex items-baseline justify-between gap-3">
        <span className={cx('min-w-0 [overflow-wrap:anywhere]', !small && 'font-medium')}>{action.title}</span>
        {action.expires_at && <Countdown expiresAt={action.expires_at} className="text-sm" />}
      </span>
      <span className="mt-0.5 block truncate text-sm text-dim">
        {asker(action)} · <When at={action.requested_at} />
      </span>
      {!small && (
        <span className="mt-1.5 flex flex-wrap items-center gap-2">
          <RiskBadge risk={action.risk} />
          <span className="font-mono text-xs text-faint">{action.fingerprint}</span>
          {action.approvals_needed > 1 && (
            <span className="text-xs text-dim">
              {action.approvals_given} of {action.approvals_needed} approved
            </span>
          )}
        </span>
      )}
    </Link>
  );
}
