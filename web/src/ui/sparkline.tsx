/** A small course of a figure over time, as SVG, with its numbers as a table for screen readers. */
import { useId } from 'react';

export interface Point {
  readonly at: string;
  readonly value: number;
}

interface SparklineProps {
  label: string;
  points: readonly Point[];
  /** What the top of the chart means. */
  max: number;
  format: (value: number) => string;
  /** Where an alert begins; drawn as a line. */
  limit?: number | undefined;
}

const WIDTH = 240;
const HEIGHT = 44;

export function Sparkline({ label, points, max, format, limit }: SparklineProps) {
  const id = useId();
  const last = points.at(-1);
  if (!last) return null;
  const times = points.map(({ at }) => Date.parse(at));
  const first = Math.min(...times);
  const span = Math.max(1, Math.max(...times) - first);
  const top = Math.max(max, ...points.map(({ value }) => value));
  const y = (value: number) => HEIGHT - 3 - (value / top) * (HEIGHT - 6);
  const line = points.map(
    ({ value }, at) => `${((((times[at] ?? first) - first) / span) * WIDTH).toFixed(1)},${y(value).toFixed(1)}`,
  );
  // One figure alone has no course: it is drawn as a level.
  if (points.length === 1) line.push(`${WIDTH},${y(last.value).toFixed(1)}`);
  return (
    <figure aria-labelledby={id} className="min-w-0">
      <figcaption id={id} className="flex items-baseline justify-between gap-2 text-sm">
        <span className="text-dim">{label}</span>
        <span className="font-medium">{format(last.value)}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        className="mt-1.5 h-11 w-full overflow-visible"
      >
        {limit !== undefined && limit <= top && (
          <line
            x1="0"
            x2={WIDTH}
            y1={y(limit)}
            y2={y(limit)}
            className="stroke-warn"
            strokeDasharray="3 3"
            strokeWidth="1"
            vectorEffect="non-scaling-stroke"
          />
        )}
        <polygon points={`0,${HEIGHT} ${line.join(' ')} ${WIDTH},${HEIGHT}`} className="fill-accent/10" />
        <polyline
          points={line.join(' ')}
          fill="none"
          className="stroke-accent"
          strokeWidth="1.5"
          strokeLinejoin="round"
          vectorEffect="non-scaling-stroke"
        />
      </svg>
      <details className="group sr-only focus-within:not-sr-only">
        <summary>{label} as a table</summary>
        <table className="text-xs">
          <thead>
            <tr>
              <th scope="col" className="pr-4 text-left">
                Time
              </th>
              <th scope="col" className="text-left">
                {label}
              </th>
            </tr>
          </thead>
          <tbody>
            {points.slice(-20).map(({ at, value }) => (
              <tr key={at}>
                <td className="pr-4">{new Date(at).toLocaleTimeString()}</td>
                <td>{format(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
