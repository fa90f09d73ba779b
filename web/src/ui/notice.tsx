/** Something that a person should know, where it matters. */
import { CircleAlert, CircleCheck, Info, type LucideIcon, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import { type Tone, textTone } from './tone.ts';

const icons: Partial<Record<Tone, LucideIcon>> = { ok: CircleCheck, warn: TriangleAlert, crit: CircleAlert };
const grounds = {
  idle: 'bg-sunken border-line',
  accent: 'bg-accent-soft border-accent/25',
  ok: 'bg-ok-soft border-ok/25',
  warn: 'bg-warn-soft border-warn/25',
  crit: 'bg-crit-soft border-crit/25',
  info: 'bg-info-soft border-info/25',
  odd: 'bg-odd-soft border-odd/25',
} as const satisfies Record<Tone, string>;

interface NoticeProps {
  tone?: Tone;
  title?: ReactNode;
  children?: ReactNode;
  icon?: LucideIcon | undefined;
  aside?: ReactNode;
  /** `alert` interrupts a screen reader; `status` waits. */
  role?: 'alert' | 'status';
}

export function Notice({ tone = 'idle', title, children, icon, aside, role }: NoticeProps) {
  const Icon = icon ?? icons[tone] ?? Info;
  return (
    <div
      role={role}
      className={cx('flex flex-wrap gap-x-2.5 gap-y-2 rounded-lg border px-3 py-2.5 text-sm', grounds[tone])}
    >
      <Icon aria-hidden className={cx('size-4 shrink-0', children ? 'mt-0.5' : 'self-center', textTone[tone])} />
      <div className={cx('min-w-0 flex-1 basis-52 text-ink', !children && 'self-center')}>
        {title && <p className="font-medium">{title}</p>}
        {children && <div className={cx(title ? 'text-dim' : '')}>{children}</div>}
      </div>
      {aside && <div className="max-w-full shrink-0 self-center max-sm:pl-6.5">{aside}</div>}
    </div>
  );
}
