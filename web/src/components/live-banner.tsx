/** Says when what is on the screen may be old. */
import { WifiOff } from 'lucide-react';
import { useLiveState } from '../api/live.ts';
import { useNow, When } from '../ui/time.tsx';

const STALE_MS = 5000;

export function LiveBanner() {
  const { up, lostAt } = useLiveState();
  const now = useNow();
  const stale = !up && lostAt !== null && now - lostAt > STALE_MS;
  return (
    <div role="status">
      {stale && (
        <p className="flex items-center justify-center gap-2 bg-warn-soft px-4 py-1.5 text-sm text-warn">
          <WifiOff aria-hidden className="size-4 shrink-0" />
          <span>
            No live updates since <When at={new Date(lostAt).toISOString()} />: what you see may be old. Reconnecting…
          </span>
        </p>
      )}
    </div>
  );
}
