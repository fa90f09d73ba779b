/** What waits for a decision, and whether all changes are paused. A hidden tab has no live stream, so it looks now and then. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { query } from '../api/queries.ts';

export interface Waiting {
  readonly actions: number;
  readonly amendments: number;
  readonly pause: OutputOf<'getOverview'>['pause'];
}

export function useWaiting(): Waiting {
  const { data } = useQuery({
    ...query('getOverview', {}),
    refetchInterval: () => (document.visibilityState === 'hidden' ? 60_000 : false),
    refetchIntervalInBackground: true,
  });
  return { actions: data?.pending.length ?? 0, amendments: data?.amendments ?? 0, pause: data?.pause ?? null };
}
