/**
 * Takes the bot's updates by long polling: one loop, one update at a time, in the order in which Telegram gives them. The
 * loop waits for Telegram (30 s at most) and for the handler; nothing waits for the loop. It ends when disposed of.
 */
import { type Clock, delay, type Ids } from '@countersign/protocol';
import type { Api } from 'grammy';
import type { Update } from 'grammy/types';
import type { Log } from '../../ports.ts';
import type { BotHealth } from './health.ts';
import { type Trouble, troubleOf } from './trouble.ts';

export interface PollDeps {
  readonly api: Api;
  readonly clock: Clock;
  readonly ids: Pick<Ids, 'random'>;
  readonly log: Log;
  readonly health: BotHealth;
  /** Called before the first poll, and again until it succeeds: says who we are, ends a webhook. */
  readonly greet: (signal: AbortSignal) => Promise<void>;
  /** Takes one update in. Rejects when it could not even be noted; it then comes again. */
  readonly take: (update: Update) => Promise<void>;
  /** Telegram answers again after it did not. */
  readonly recovered: () => void;
}

type ApiSignal = Parameters<Api['getUpdates']>[1];

const HOLD_S = 30;
const HOLD_AFTER_CONFLICT_S = 3;
const BATCH = 100;
const WAIT_FIRST_MS = 500;
const WAIT_MOST_MS = 30_000;
export const allowedUpdates = ['message', 'callback_query', 'my_chat_member'] as const;

/** grammY's types know another AbortSignal than Node's; both work. */
export function apiSignal(signal: AbortSignal): NonNullable<ApiSignal> {
  return signal as unknown as NonNullable<ApiSignal>;
}

export function pollUpdates(deps: PollDeps): AsyncDisposable {
  const stop = new AbortController();
  const ended = loop(deps, stop.signal).catch((error: unknown) => deps.log.error('telegram.poll_ended', { error }));
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function loop(deps: PollDeps, signal: AbortSignal): Promise<void> {
  const { health, log, clock } = deps;
  let greeted = false;
  let failures = 0;
  let last: Trouble['kind'] | null = 'down';
  let offset = 0;
  while (!signal.aborted) {
    try {
      if (!greeted) await deps.greet(signal);
      greeted = true;
      const updates = await poll(deps, offset, holdAfter(last), signal);
      if (health.worked()) deps.recovered();
      failures = 0;
      last = null;
      for (const update of updates) await deps.take(update);
      // After a quiet week Telegram may count from anywhere. What an empty poll confirmed is gone, so nothing is lost by 0.
      offset = updates.length === 0 ? 0 : Math.max(...updates.map(({ update_id }) => update_id)) + 1;
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      const trouble = read(error, log);
      last = trouble.kind;
      if (health.failed(trouble)) log.warn('telegram.poll_failed', { problem: trouble.words });
      await pause(clock, waitMs(trouble, failures, deps.ids), signal);
    }
  }
}

async function poll({ api }: PollDeps, offset: number, timeout: number, signal: AbortSignal): Promise<Update[]> {
  return api.getUpdates({ offset, limit: BATCH, timeout, allowed_updates: allowedUpdates }, apiSignal(signal));
}

/** How long the next poll is held, in seconds: after trouble a short one shows whether it is over. */
function holdAfter(last: Trouble['kind'] | null): number {
  if (last === null) return HOLD_S;
  // Another poller shows itself only while ours is held.
  return last === 'other_poller' ? HOLD_AFTER_CONFLICT_S : 0;
}

/** What is wrong. Errors of our own (a full disk) look like an outage: the update stays with Telegram until it can be kept. */
function read(error: unknown, log: Log): Trouble {
  try {
    return troubleOf(error);
  } catch (own) {
    log.error('telegram.update_not_taken', { error: own });
    return { kind: 'refused', words: 'an update could not be kept' };
  }
}

function waitMs(trouble: Trouble, failures: number, ids: Pick<Ids, 'random'>): number {
  if (trouble.kind === 'slow_down') return trouble.afterMs;
  const most = Math.min(WAIT_MOST_MS, WAIT_FIRST_MS * 2 ** Math.min(failures - 1, 10));
  return most / 2 + ids.random() * (most / 2);
}

async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  // The loop looks at the signal next.
  await delay(clock, ms, signal).catch(() => undefined);
}
