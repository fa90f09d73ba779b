/** Details that are folded away until somebody wants them. */
import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';

interface DisclosureProps {
  summary: ReactNode;
  children: ReactNode;
  open?: boolean;
}

export function Disclosure({ summary, children, open = false }: DisclosureProps) {
  return (
    <details open={open} className="group/d">
      <summary className="flex min-h-7 w-fit items-center gap-1.5 rounded text-sm text-dim hover:text-ink">
        <ChevronRight aria-hidden className="size-3.5 shrink-0 transition-transform group-open/d:rotate-90" />
        {summary}
      </summary>
      <div className="pt-2">{children}</div>
    </details>
  );
}
