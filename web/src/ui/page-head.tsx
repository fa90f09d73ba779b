/** The head of a page: where we are, what it is, what can be done here. Also names the tab. */
import { type ReactNode, useEffect } from 'react';

interface PageHeadProps {
  title: ReactNode;
  /** Plain words for the browser's tab, when the title holds more than text. */
  tab: string;
  lead?: ReactNode;
  crumb?: ReactNode;
  actions?: ReactNode;
}

export function PageHead({ title, tab, lead, crumb, actions }: PageHeadProps) {
  useTabTitle(tab);
  return (
    <header className="mb-6 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div className="min-w-0 max-w-full">
        {crumb && <div className="mb-1 text-sm text-dim">{crumb}</div>}
        <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
        {lead && <div className="mt-1 max-w-prose text-dim">{lead}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

let count = 0;
let page = '';

const show = () => {
  document.title = `${count > 0 ? `(${count}) ` : ''}${page ? `${page} · ` : ''}Countersign`;
};

export function useTabTitle(tab: string): void {
  useEffect(() => {
    page = tab;
    show();
  }, [tab]);
}

/** How many things wait for a decision, shown in the tab's title. */
export function useTabCount(waiting: number): void {
  useEffect(() => {
    count = waiting;
    show();
  }, [waiting]);
}
