/** The five first steps, until all are done. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { Link } from '@tanstack/react-router';
import { ArrowRight, CircleCheck, CircleDashed } from 'lucide-react';
import { Card } from '../ui/card.tsx';
import { cx } from '../ui/cx.ts';

type Item = OutputOf<'getOverview'>['checklist'][number];

const steps = {
  account: { label: 'Make your account', why: 'Done when you read this.', to: '/account' },
  server: { label: 'Add a server', why: 'One command on the server; about a minute.', to: '/servers/add' },
  assistant: { label: 'Connect your assistant', why: 'Claude Code, Cursor or Codex, by one command.', to: '/connect' },
  telegram: { label: 'Connect Telegram', why: 'Decide from your phone. You can skip this.', to: '/telegram' },
  try: {
    label: 'Try it',
    why: 'Ask for a harmless playbook and follow it: ask, approve, run, audit.',
    to: '/playbooks',
  },
} as const satisfies Record<Item['step'], { label: string; why: string; to: string }>;

export function Checklist({ items }: { items: readonly Item[] }) {
  const done = items.filter((item) => item.done).length;
  if (items.length === 0 || done === items.length) return null;
  const next = items.find((item) => !item.done);
  return (
    <Card className="p-4 sm:p-5">
      <div className="mb-3 flex items-baseline justify-between gap-4">
        <h2 className="font-semibold">First steps</h2>
        <span className="text-sm text-dim">
          {done} of {items.length} done
        </span>
      </div>
      <ol className="space-y-0.5">
        {items.map((item) => {
          const { label, why, to } = steps[item.step];
          const Icon = item.done ? CircleCheck : CircleDashed;
          return (
            <li key={item.step}>
              <Link
                to={to}
                className={cx(
                  'group -mx-2 flex items-center gap-3 rounded-lg px-2 py-2 hover:bg-sunken',
                  item === next && 'bg-accent-soft hover:bg-accent-soft',
                )}
              >
                <Icon
                  role="img"
                  aria-label={item.done ? 'Done' : 'To do'}
                  className={cx(
                    'size-4.5 shrink-0',
                    item.done ? 'text-ok' : item === next ? 'text-accent' : 'text-faint',
                  )}
                />
                <span className="min-w-0 flex-1">
                  <span className={cx('font-medium', item.done && 'text-dim')}>{label}</span>
                  {!item.done && <span className="block text-sm text-dim sm:ml-2 sm:inline">{why}</span>}
                </span>
                {!item.done && (
                  <ArrowRight
                    aria-hidden
                    className={cx('size-4 shrink-0', item === next ? 'text-accent' : 'text-faint')}
                  />
                )}
              </Link>
            </li>
          );
        })}
      </ol>
    </Card>
  );
}
