/** Shows what a query brought; until then that it is loading, or why it cannot be had. Old data stays while new is fetched. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Skeleton } from '../ui/skeleton.tsx';
import { FaultNotice } from './fault-notice.tsx';

interface LoadedProps<T> {
  query: Pick<UseQueryResult<T>, 'data' | 'error' | 'refetch'>;
  lines?: number;
  children: (data: T) => ReactNode;
}

export function Loaded<T>({ query, lines = 3, children }: LoadedProps<T>) {
  return (
    <>
      {query.error && <FaultNotice error={query.error} onRetry={() => void query.refetch()} />}
      {query.data === undefined ? !query.error && <Skeleton lines={lines} /> : children(query.data)}
    </>
  );
}
