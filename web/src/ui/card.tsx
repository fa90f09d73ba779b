/** Ground for things that belong together. */
import type { ReactNode } from 'react';
import { cx } from './cx.ts';

export function Card({ children, className }: { children: ReactNode; className?: string }) {
  return <div className={cx('rounded-xl border border-line bg-surface shadow-lift', className)}>{children}</div>;
}

interface SectionProps {
  title: ReactNode;
  /** What stands at the right of the title. */
  aside?: ReactNode;
  hint?: ReactNode;
  children: ReactNode;
  className?: string | undefined;
  id?: string;
}

/** A part of a page under a small heading. */
export function Section({ title, aside, hint, children, className, id }: SectionProps) {
  return (
    <section className={cx('min-w-0', className)} aria-labelledby={id}>
      <div className="mb-2 flex min-h-7 flex-wrap items-center justify-between gap-x-4 gap-y-1">
        <h2 id={id} className="text-sm font-semibold text-ink">
          {title}
        </h2>
        {aside}
      </div>
      {hint && <p className="-mt-1 mb-2.5 max-w-prose text-sm text-dim">{hint}</p>}
      {children}
    </section>
  );
}
