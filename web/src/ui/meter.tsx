/** How full something is: a short bar beside its figure. */
import { cx } from './cx.ts';

interface MeterProps {
  label: string;
  /** 0 to 1. */
  ratio: number;
  /** From here on it is too much. */
  limit?: number | undefined;
}

export const percent = (ratio: number) => `${Math.round(ratio * 100)} %`;

export function Meter({ label, ratio, limit = 0.9 }: MeterProps) {
  const tone = ratio >= limit ? 'bg-crit' : ratio >= limit - 0.1 ? 'bg-warn' : 'bg-control';
  return (
    <span className="inline-flex items-center gap-2" title={`${label}: ${percent(ratio)}`}>
      <span aria-hidden className="h-1.5 w-12 overflow-hidden rounded-full bg-line">
        <span className={cx('block h-full rounded-full', tone)} style={{ width: `${Math.min(100, ratio * 100)}%` }} />
      </span>
      <span className={cx('w-9 text-right', ratio >= limit && 'font-semibold text-crit')}>{percent(ratio)}</span>
    </span>
  );
}
