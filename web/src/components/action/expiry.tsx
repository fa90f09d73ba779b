/** How long a decision, or a start, can still come. By the control plane's clock. */
import { serverNow } from '../../api/server-time.ts';
import { cx } from '../../ui/cx.ts';
import { Exactly, remaining, useNow } from '../../ui/time.tsx';

/** Milliseconds left, ticking; null when nothing expires. */
export function useLeft(expiresAt: string | null): number | null {
  useNow();
  return expiresAt === null ? null : Date.parse(expiresAt) - serverNow();
}

interface CountdownProps {
  expiresAt: string;
  className?: string;
  /** Says `left` after the figure. */
  words?: boolean;
}

export function Countdown({ expiresAt, className, words = false }: CountdownProps) {
  const left = useLeft(expiresAt) ?? 0;
  return (
    <span
      role="timer"
      className={cx(
        'whitespace-nowrap font-medium',
        left < 60_000 ? 'text-crit' : left < 180_000 ? 'text-warn' : '',
        className,
      )}
    >
      {left <= 0 ? 'expired' : `${remaining(left)}${words ? ' left' : ''}`}
    </span>
  );
}

export function Expiry({ expiresAt }: { expiresAt: string | null }) {
  if (expiresAt === null) return <p className="text-sm text-dim">It does not expire any more.</p>;
  return (
    <p className="text-sm">
      <Countdown expiresAt={expiresAt} className="text-base" words />{' '}
      <span className="text-dim">
        until <Exactly at={expiresAt} />. Then nothing happens.
      </span>
    </p>
  );
}
