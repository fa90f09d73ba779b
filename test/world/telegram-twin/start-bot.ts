/** A real grammY bot for the twin's own tests. */
import { Bot } from 'grammy';

export interface BotOptions {
  /** How long one `getUpdates` is held: 30 s by default. */
  readonly timeoutSeconds?: number;
}

/** A bot that talks to the twin. `start` begins long polling; disposal ends it. */
export function startBot(twin: { readonly apiRoot: string; readonly token: string }) {
  const bot = new Bot(twin.token, { client: { apiRoot: twin.apiRoot } });
  let polling: Promise<void> | undefined;
  return {
    bot,
    /** Polls until stopped. Resolves when polling ends, and rejects with what ended it. */
    start(options: BotOptions = {}): Promise<void> {
      polling = bot.start({ timeout: options.timeoutSeconds ?? 30 });
      // Whoever awaits the returned promise sees the failure; nobody has to.
      polling.catch(() => undefined);
      return polling;
    },
    async [Symbol.asyncDispose]() {
      if (bot.isRunning()) await bot.stop().catch(() => undefined);
      await polling?.catch(() => undefined);
    },
  };
}
