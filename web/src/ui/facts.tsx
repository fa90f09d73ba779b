/** Names and values, one per line: `Kernel  6.1.0-28`. */
import { Fragment, type ReactNode } from 'react';

export function Facts({ rows }: { rows: readonly (readonly [name: ReactNode, value: ReactNode] | null)[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6.5rem,auto)_1fr] gap-x-5 gap-y-1.5 text-sm">
      {rows.map(
        (row, at) =>
          row && (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows do not move
            <Fragment key={at}>
              <dt className="text-dim">{row[0]}</dt>
              <dd className="min-w-0 [overflow-wrap:anywhere]">{row[1]}</dd>
            </Fragment>
          ),
      )}
    </dl>
  );
}
