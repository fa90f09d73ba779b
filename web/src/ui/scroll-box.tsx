/** A part of the page that scrolls by itself: named, and reachable by keyboard. */
import type { ReactNode, Ref, UIEventHandler } from 'react';
import { cx } from './cx.ts';

interface ScrollBoxProps {
  label: string;
  className?: string;
  children: ReactNode;
  ref?: Ref<HTMLElement>;
  onScroll?: UIEventHandler<HTMLElement>;
}

export function ScrollBox({ label, className, children, ref, onScroll }: ScrollBoxProps) {
  return (
    <section
      ref={ref}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
      aria-label={label}
      onScroll={onScroll}
      className={cx('relative overflow-auto -outline-offset-2', className)}
    >
      {children}
    </section>
  );
}
