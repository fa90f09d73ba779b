/** Operations as TanStack queries and mutations. A query's key is its operation and input, so that live events can name it. */
import { Fault } from '@countersign/protocol/errors';
import type { InputOf, OperationName, OutputOf } from '@countersign/protocol/operator-api/index';
import {
  type InvalidateQueryFilters,
  infiniteQueryOptions,
  MutationCache,
  type Query,
  QueryCache,
  QueryClient,
  queryOptions,
  useMutation,
} from '@tanstack/react-query';
import { useRef } from 'react';
import { call, isFault } from './client.ts';

/**
 * `onLost` is called when the session is found to be over. Set by the routes. `leaving` while its person signs out: the live stream
 * may end before that is answered.
 */
export const session: { onLost: (() => void) | null; leaving: boolean } = { onLost: null, leaving: false };

const noticeLostSession = (error: unknown) => {
  if (isFault(error, 'unauthenticated')) session.onLost?.();
};

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeLostSession }),
  mutationCache: new MutationCache({ onError: noticeLostSession }),
  defaultOptions: {
    // A browser that calls itself offline may still reach a control plane on its own machine; and what a person asked for is sent now
    // or not at all: never by itself, once there is a network again and they have turned to something else.
    queries: {
      networkMode: 'always',
      refetchOnReconnect: true,
      staleTime: 15_000,
      // A refusal stays one; only an answer that never came is worth asking for again.
      retry: (count, error) => count < 2 && (!(error instanceof Fault) || error.body.retryable) && !isSlow(error),
    },
    mutations: { networkMode: 'always', retry: false },
  },
});

const isSlow = (error: unknown) => error instanceof Fault && error.status === 429;

/** Waits for something, and for so long at most. */
async function atMost(ms: number, something: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  try {
    await Promise.race([something, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** A reading that takes longer is given up when there is news: its connection may be dead. */
const LONGEST_READING_MS = 10_000;

/** What was begun for readings that are under way and old already: one more reading, however much is heard meanwhile. */
const rereadings = new WeakMap<Query, Promise<void>>();

async function readAgainOnceThere(query: Query): Promise<void> {
  try {
    await atMost(LONGEST_READING_MS, query.fetch());
  } finally {
    rereadings.delete(query);
  }
  await queryClient.invalidateQueries({ queryKey: query.queryKey, exact: true });
}

/**
 * Makes these queries old: those that are on screen are asked again. Resolves when they are, or failed. A reading that is under way
 * may have been read before what made it old, and is asked again once it is there. It is not begun anew: where news come faster than
 * answers, nothing would ever be shown.
 */
export async function makeOld(filters?: InvalidateQueryFilters): Promise<void> {
  const underWay = queryClient.getQueryCache().findAll({ ...filters, fetchStatus: 'fetching' });
  const again = underWay.map((query) => {
    const rereading = rereadings.get(query) ?? readAgainOnceThere(query);
    rereadings.set(query, rereading);
    return rereading;
  });
  await Promise.allSettled([queryClient.invalidateQueries(filters, { cancelRefetch: false }), ...again]);
}

/** The query of an operation that reads. */
export function query<N extends OperationName>(name: N, input: InputOf<N>) {
  return queryOptions({
    queryKey: [name, input] as const,
    queryFn: ({ signal }): Promise<OutputOf<N>> => call(name, input, { signal }),
  });
}

type PagedName = {
  [N in OperationName]: OutputOf<N> extends { next_cursor: string | null } ? N : never;
}[OperationName];

/** The query of an operation that answers in pages. */
export function pages<N extends PagedName>(name: N, input: Omit<InputOf<N>, 'cursor'>) {
  return infiniteQueryOptions({
    queryKey: [name, input, 'pages'] as const,
    queryFn: ({ signal, pageParam }): Promise<OutputOf<N>> =>
      call(name, { ...input, ...(pageParam === null ? {} : { cursor: pageParam }) } as InputOf<N>, { signal }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => (last as { next_cursor: string | null }).next_cursor,
  });
}

/** A mutation by an operation; afterwards what the named operations showed is asked for again. */
export function useOperation<N extends OperationName>(name: N, touches: readonly OperationName[] = []) {
  return useWork((input: InputOf<N>): Promise<OutputOf<N>> => call(name, input), touches);
}

/** Longest that what is on screen is waited for: an answer may fail, be asked for again, or never come, and a secret waits for it. */
const SHOWN_MS = 10_000;

/**
 * The same for work of more than one call. It is under way until what is on screen shows it, so that nobody presses again by what
 * was; and while it is, `mutate` does nothing: a second press or key may come before the button is seen to be busy.
 */
export function useWork<I, O>(work: (input: I) => Promise<O>, touches: readonly OperationName[]) {
  // What is under way: one that was given up by `reset` ends later, and must not end the next one.
  const latest = useRef<object | null>(null);
  const askAgain = () => Promise.all(touches.map((touched) => makeOld({ queryKey: [touched] })));
  const mutation = useMutation<O, Error, I, object | null>({
    mutationFn: work,
    onMutate: () => latest.current,
    onSuccess: () => atMost(SHOWN_MS, askAgain()),
    // Why it could not be is told at once.
    onError: () => void askAgain(),
    onSettled: (_output, _error, _input, mine) => {
      if (latest.current === mine) latest.current = null;
    },
  });
  const mutate: typeof mutation.mutate = (...given) => {
    if (latest.current !== null) return;
    latest.current = {};
    mutation.mutate(...given);
  };
  const reset = () => {
    latest.current = null;
    mutation.reset();
  };
  return { ...mutation, mutate, reset };
}
