/** A state in a word and an icon. */
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import { softTone, type Tone } from './tone.ts';

interface BadgeProps {
  tone?: Tone;
  icon?: LucideIcon;
  /** Something is going on right now. */
  live?: boolean;
  children: ReactNode;
}

export function Badge({ tone = 'idle', icon: Icon, live = false, children }: BadgeProps) {
  return (
    <span
      className={cx(
        'inline-flex h-[1.375rem] w-fit shrink-0 items-center gap-1 whitespace-nowrap rounded-md px-1.5 text-xs font-medium',
        softTone[tone],
      )}
    >
      {Icon && <Icon aria-hidden className={cx('size-3.5', live && 'animate-pulse-soft')} />}
      {children}
    </span>
  );
}

/** A small neutral mark: a label, a key=value. */
export function Tag({ children, mono = false }: { children: ReactNode; mono?: boolean }) {
  return (
    <span
      className={cx(
        'inline-flex max-w-full items-center truncate rounded border border-line bg-surface px-1.5 text-xs text-dim',
        mono && 'font-mono text-2xs leading-5',
      )}
    >
      {children}
    </span>
  );
}
