/** What the parts of the twin share. */
import type { Clock } from '@countersign/protocol/clock';
import type { Callbacks } from './callbacks.ts';
import type { Chats } from './chats.ts';
import type { Parameters } from './parameters.ts';
import type { Updates } from './updates.ts';
import type { Webhook } from './webhook.ts';

export interface Core {
  readonly clock: Clock;
  readonly chats: Chats;
  readonly updates: Updates;
  readonly callbacks: Callbacks;
  readonly webhook: Webhook;
  /** With privacy on (Telegram's default), a bot that is no administrator sees only what is meant for it in groups. */
  readonly privacy: boolean;
}

/** One Bot API request. */
export interface Request {
  readonly parameters: Parameters;
  /** Aborted when the client hangs up. */
  readonly signal: AbortSignal;
}

/** One Bot API method: returns `result`, or throws a `TelegramError`. */
export type Method = (request: Request) => unknown;
