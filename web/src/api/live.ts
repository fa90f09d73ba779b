/**
 * The one live stream of this tab. It carries that something changed, never what it is now: each event makes queries old,
 * and those that are on screen are asked again. A tab that stays hidden gives its connection back, since a browser has few.
 */
import { type LiveEvent, liveEventSchema } from '@countersign/protocol/live-events';
import { useEffect, useSyncExternalStore } from 'react';
import { readEventStream } from './event-stream.ts';
import { newestEvent } from './newest-event.ts';
import { makeOld, session } from './queries.ts';
import { type Touched, touchedBy } from './touched.ts';

/**
 * Longest silence of a healthy stream: five ticks of a second, since the control plane sends a comment every 2.5 s. Ticks are
 * counted, not the time: a page that was busy or asleep could not hear either, and finds then what has come meanwhile.
 */
const TICK_MS = 1_000;
const SILENT_TICKS = 5;
const HIDDEN_MS = 60_000;
const BATCH_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

export interface LiveState {
  readonly up: boolean;
  /** When something came last, by this machine's clock; null while the stream is up. */
  readonly lostAt: number | null;
}

let state: LiveState = { up: false, lostAt: Date.now() };
let heardAt = Date.now();
let running: AbortController | null = null;
let batch = new Map<string, Touched>();
let batchTimer: ReturnType<typeof setTimeout> | null = null;
const watchers = new Set<() => void>();
const listeners = new Set<(event: LiveEvent) => void>();

function setUp(up: boolean) {
  if (state.up === up) return;
  state = { up, lostAt: up ? null : heardAt };
  for (const watcher of watchers) watcher();
}

function flush() {
  const touched = [...batch.values()];
  batch = new Map();
  batchTimer = null;
  for (const { operation, action } of touched)
    void makeOld({
      queryKey: [operation],
      predicate: ({ queryKey }) => action === undefined || (queryKey[1] as { action?: string }).action === action,
    });
}

function receive(data: string) {
  let event: LiveEvent;
  try {
    event = liveEventSchema.parse(JSON.parse(data));
  } catch (error) {
    // A newer control plane may tell of things that this page does not know: it can be reloaded at leisure.
    console.warn('an event that this page does not know', error);
    return;
  }
  for (const touched of touchedBy(event)) batch.set(`${touched.operation} ${touched.action ?? ''}`, touched);
  if (batchTimer === null) batchTimer = setTimeout(flush, BATCH_MS);
  for (const listener of listeners) listener(event);
}

/** The control plane answered, and not with the stream. */
class Refused extends Error {}

/** Reads one connection to its end. Resolves when it ended in order; rejects when it was refused, lost or aborted. */
async function readOnce(signal: AbortSignal, onOpen: () => void): Promise<void> {
  const silence = new AbortController();
  let ticks = 0;
  const watchdog = setInterval(() => {
    ticks += 1;
    if (ticks >= SILENT_TICKS) silence.abort(new Error(`nothing came for ${SILENT_TICKS} s`));
  }, TICK_MS);
  try {
    const since = newestEvent.id;
    const response = await fetch('/api/v1/events', {
      headers: { accept: 'text/event-stream', 'x-countersign': '1', ...(since ? { 'last-event-id': since } : {}) },
      credentials: 'same-origin',
      cache: 'no-store',
      signal: AbortSignal.any([signal, silence.signal]),
    });
    if (response.status === 401) session.onLost?.();
    if (!response.ok || response.body === null) throw new Refused(`the live stream answered ${response.status}`);
    onOpen();
    for await (const { id, event, data } of readEventStream(response.body)) {
      heardAt = Date.now();
      ticks = 0;
      if (id !== null) newestEvent.id = id;
      if (event === 'message' && data !== null) receive(data);
      // More was missed than the control plane can tell again.
      if (event === 'reset') void makeOld();
    }
  } finally {
    clearInterval(watchdog);
  }
}

async function run(signal: AbortSignal) {
  let attempt = 0;
  while (!signal.aborted) {
    try {
      await readOnce(signal, () => {
        attempt = 0;
        heardAt = Date.now();
        setUp(true);
      });
    } catch (error) {
      // That it was lost is said on the page itself, and happens whenever one is left.
      if (!signal.aborted) console[error instanceof Refused ? 'warn' : 'info']('the live stream broke off', error);
    }
    if (signal.aborted) return;
    setUp(false);
    const pause = Math.min(LONGEST_PAUSE_MS, 400 * 2 ** attempt) * (0.5 + Math.random() / 2);
    attempt += 1;
    await new Promise<void>((resume) => {
      setTimeout(resume, pause);
      addEventListener('online', () => resume(), { once: true, signal });
      signal.addEventListener('abort', () => resume(), { once: true });
    });
  }
}

function open() {
  if (running !== null) return;
  running = new AbortController();
  void run(running.signal);
}

function close() {
  running?.abort();
  running = null;
  setUp(false);
}

/** Keeps the stream open while the component is there. Used once, by the shell. */
export function useLiveStream(): void {
  useEffect(() => {
    let hiding: ReturnType<typeof setTimeout> | undefined;
    const onVisibility = () => {
      clearTimeout(hiding);
      if (document.visibilityState === 'hidden') hiding = setTimeout(close, HIDDEN_MS);
      else open();
    };
    open();
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      clearTimeout(hiding);
      document.removeEventListener('visibilitychange', onVisibility);
      close();
    };
  }, []);
}

/** Whether live updates arrive. */
export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    () => state,
  );
}

/** Calls `listen` for each live event while the component is there. */
export function useLiveEvent(listen: (event: LiveEvent) => void): void {
  useEffect(() => {
    listeners.add(listen);
    return () => {
      listeners.delete(listen);
    };
  }, [listen]);
}
