/** How many actions wait for a decision. A hidden tab has no live stream, so it looks now and then. */
import { useQuery } from '@tanstack/react-query';
import { query } from '../api/queries.ts';

export function useWaiting(): number {
  const overview = useQuery({
    ...query('getOverview', {}),
    refetchInterval: () => (document.visibilityState === 'hidden' ? 60_000 : false),
    refetchIntervalInBackground: true,
  });
  return overview.data?.pending.length ?? 0;
}
