/** Buttons, and links that look like buttons. */
import { LoaderCircle, type LucideIcon } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { cx } from './cx.ts';

type Kind = 'primary' | 'plain' | 'quiet' | 'danger' | 'alarm';
type Size = 'sm' | 'md' | 'lg';

const kinds = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong',
  plain: 'bg-surface text-ink border border-line-strong hover:bg-sunken shadow-lift',
  quiet: 'text-dim hover:bg-sunken hover:text-ink',
  /** For what must be found at once and never pressed by mistake. */
  alarm: 'bg-crit text-on-alarm hover:bg-crit-strong',
  danger: 'bg-surface text-crit border border-line-strong hover:bg-crit-soft hover:border-crit shadow-lift',
} as const satisfies Record<Kind, string>;

const sizes = {
  sm: 'h-7 px-2.5 text-xs gap-1.5 rounded-md',
  md: 'tap h-8 px-3 text-sm gap-2 rounded-lg',
  lg: 'min-h-11 px-5 max-sm:px-4 text-base gap-2 rounded-lg',
} as const satisfies Record<Size, string>;

/** The classes of a button, for links. */
export function buttonClass(kind: Kind = 'plain', size: Size = 'md', more?: string): string {
  return cx(
    'inline-flex shrink-0 select-none items-center justify-center whitespace-nowrap font-medium transition-colors duration-100 disabled:opacity-50 aria-disabled:opacity-50',
    kinds[kind],
    sizes[size],
    more,
  );
}

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  size?: Size;
  icon?: LucideIcon | undefined;
  /** Something is under way: the button waits and says so. */
  busy?: boolean;
  /** A key that does the same; shown, and told to screen readers. */
  hotkey?: string;
  children: ReactNode;
}

export function Button({ kind, size, icon: Icon, busy = false, hotkey, className, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      aria-busy={busy || undefined}
      aria-keyshortcuts={hotkey}
      {...rest}
      disabled={rest.disabled || busy}
      className={buttonClass(kind, size, className)}
    >
      {busy ? (
        <LoaderCircle aria-hidden className="size-4 animate-spin" />
      ) : (
        Icon && <Icon aria-hidden className="size-4 opacity-80" />
      )}
      {children}
      {hotkey && (
        <kbd
          aria-hidden
          className="-mr-1 hidden rounded border border-current/25 px-1 font-sans text-2xs opacity-75 sm:inline"
        >
          {hotkey}
        </kbd>
      )}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: LucideIcon;
  label: string;
}

export function IconButton({ icon: Icon, label, className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={cx(
        'inline-flex size-11 shrink-0 items-center justify-center rounded-lg text-dim transition-colors hover:bg-sunken hover:text-ink sm:size-8',
        className,
      )}
    >
      <Icon aria-hidden className="size-[1.125rem] sm:size-4" />
    </button>
  );
}
