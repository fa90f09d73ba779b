/** How the bot is: whether Telegram answers and takes our token, and whether we are the only one who polls. */
import type { Clock } from '@countersign/protocol';
import type { Trouble } from './trouble.ts';

export interface BotState {
  /** Without `@`; empty until Telegram told it. */
  readonly username: string;
  readonly ok: boolean;
  /** What is wrong and what to do, one sentence each; null when all is well. */
  readonly problem: string | null;
}

export interface BotHealth {
  state(): BotState;
  /** Whether a card would reach a phone now. A short hiccup does not count. */
  reachable(): boolean;
  /** Telegram told who the bot is. */
  introduced(username: string): void;
  /** A poll ended well. Returns whether the one before had failed. */
  worked(): boolean;
  /** A poll failed. Returns whether this is news. */
  failed(trouble: Trouble): boolean;
}

/** How long failures are taken for a hiccup, milliseconds. */
const HICCUP_MS = 60_000;

export function botHealth(clock: Pick<Clock, 'monotonic'>): BotHealth {
  let username = '';
  let problem: string | null = 'The bot is not connected yet.';
  let lastWorked: number | null = null;
  return {
    state: () => ({ username, ok: problem === null, problem }),
    reachable: () => lastWorked !== null && (problem === null || clock.monotonic() - lastWorked < HICCUP_MS),
    introduced(name) {
      username = name;
    },
    worked() {
      const failedBefore = problem !== null;
      problem = null;
      lastWorked = clock.monotonic();
      return failedBefore;
    },
    failed(trouble) {
      const before = problem;
      problem = inWords(trouble);
      return problem !== before;
    },
  };
}

function inWords(trouble: Trouble): string {
  switch (trouble.kind) {
    case 'token_refused':
      return "Telegram refuses the bot's token. Check TELEGRAM_BOT_TOKEN and TELEGRAM_API_ROOT, then restart.";
    case 'other_poller':
      return 'Another program takes the updates of this bot. Stop it, or give Countersign a bot of its own.';
    case 'slow_down':
      return 'Telegram asks the bot to wait; it goes on by itself.';
    case 'down':
      return 'Telegram does not answer; the bot tries again by itself.';
    default:
      return `Telegram refuses the bot (${trouble.words}).`;
  }
}
