/** Things in a list, one row each: what it is, a line about it, and what can be done at the end. */
import type { ReactNode } from 'react';

export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul
      aria-label={label}
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-lift"
    >
      {children}
    </ul>
  );
}

interface RowProps {
  title: ReactNode;
  /** Stands beside the title: badges. */
  marks?: ReactNode;
  about?: ReactNode;
  /** Stands at the end: buttons. */
  aside?: ReactNode;
}

export function Row({ title, marks, about, aside }: RowProps) {
  return (
    <li className="flex items-center gap-x-4 px-4 py-2.5">
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <span className="font-medium [overflow-wrap:anywhere]">{title}</span>
          {marks}
        </div>
        {about && <div className="mt-0.5 text-sm text-dim [overflow-wrap:anywhere]">{about}</div>}
      </div>
      {aside && <div className="-mr-1.5 flex shrink-0 items-center gap-1">{aside}</div>}
    </li>
  );
}
