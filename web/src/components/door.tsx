/** The frame of the pages before signing in. */
import type { ReactNode } from 'react';
import { Card } from '../ui/card.tsx';
import { Mark } from '../ui/mark.tsx';
import { useTabTitle } from '../ui/page-head.tsx';

interface DoorProps {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
  foot?: ReactNode;
}

export function Door({ title, lead, children, foot }: DoorProps) {
  useTabTitle(title);
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center px-4 py-10">
      <p className="mb-6 flex items-center justify-center gap-2 text-base font-semibold tracking-tight">
        <Mark className="size-7" /> Countersign
      </p>
      <Card className="p-5 sm:p-7">
        <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
        {lead && <div className="mt-1 text-dim">{lead}</div>}
        <div className="mt-5">{children}</div>
      </Card>
      {foot && <div className="mt-4 text-center text-sm text-dim">{foot}</div>}
    </main>
  );
}
