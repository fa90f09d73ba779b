/** The values that were asked for. What differs from the playbook's default is flagged. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { PencilLine } from 'lucide-react';
import { Badge } from '../../ui/badge.tsx';
import { cx } from '../../ui/cx.ts';
import { Escaped } from '../../ui/escaped.tsx';

/** A hash says little to the eye: it stands after what does, and small. */
const isHash = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

export function PlanParameters({ action }: { action: ActionDetail }) {
  const entries = Object.entries(action.plan.parameters).toSorted(
    ([, a], [, b]) => Number(isHash(a)) - Number(isHash(b)),
  );
  if (entries.length === 0) return <p className="text-sm text-dim">It takes none.</p>;
  return (
    <table className="w-full text-sm">
      <thead className="sr-only">
        <tr>
          <th scope="col">Parameter</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody className="divide-y divide-line">
        {entries.map(([name, value]) => (
          <tr key={name} className="align-baseline">
            <th scope="row" className="w-1/4 min-w-24 py-1.5 pr-4 text-left font-normal text-dim">
              {name}
            </th>
            <td className={cx('py-1.5', isHash(value) && 'text-xs text-dim')}>
              <span className="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-1">
                <Escaped text={typeof value === 'string' ? value : JSON.stringify(value)} max={400} />
                {action.changed_parameters.includes(name) && (
                  <Badge tone="accent" icon={PencilLine}>
                    Not the default
                  </Badge>
                )}
              </span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
