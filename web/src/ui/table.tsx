/** A table that scrolls sideways by itself on narrow screens. */
import type { ReactNode, TdHTMLAttributes } from 'react';
import { cx } from './cx.ts';
import { ScrollBox } from './scroll-box.tsx';

interface TableProps {
  label: string;
  head: readonly ReactNode[];
  children: ReactNode;
}

export function Table({ label, head, children }: TableProps) {
  return (
    <ScrollBox label={label} className="rounded-xl border border-line bg-surface shadow-lift">
      <table className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-line text-left text-xs text-dim">
            {head.map((name, column) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns do not move
              <th key={column} scope="col" className="whitespace-nowrap px-3 py-2 font-medium first:pl-4 last:pr-4">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">{children}</tbody>
      </table>
    </ScrollBox>
  );
}

export function Cell({ className, ...rest }: TdHTMLAttributes<HTMLTableCellElement>) {
  return <td {...rest} className={cx('px-3 py-2 align-top first:pl-4 last:pr-4', className)} />;
}
