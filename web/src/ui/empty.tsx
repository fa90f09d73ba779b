/** Nothing is here yet: what would be, and the next step. */
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon: Icon, title, children, action }: EmptyProps) {
  return (
    <div className="flex flex-col items-center rounded-xl border border-dashed border-line-strong px-6 py-10 text-center">
      <Icon aria-hidden className="mb-3 size-6 text-faint" strokeWidth={1.5} />
      <p className="font-medium">{title}</p>
      {children && <div className="mt-1 max-w-md text-balance text-dim">{children}</div>}
      {action && <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}
