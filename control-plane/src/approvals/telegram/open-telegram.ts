/**
 * Puts the parts of this folder together: what `compose.ts` needs to know of it. Telegram being down, slow or refusing us is
 * a state that people are shown, never a failure of anything else.
 */
import { autoRetry } from '@grammyjs/auto-retry';
import { Api } from 'grammy';
import type { ApprovalChannel, Caller } from '../../ports.ts';
import { write } from '../../storage/write.ts';
import { arming } from './arming.ts';
import { type BotDeps, takeUpdate } from './bot.ts';
import { bringUpToDate, type UpToDateDeps } from './bring-up-to-date.ts';
import { confirmLink } from './confirm-link.ts';
import { deliveries, urgency } from './deliveries.ts';
import { greet, offerCommands, offerToLinked } from './greet.ts';
import { type BotState, botHealth } from './health.ts';
import { inFlight } from './in-flight.ts';
import { linkOf } from './link.store.ts';
import { pollUpdates } from './poll.ts';
import { removeLink } from './remove-link.ts';
import { seldom } from './seldom.ts';
import { sendText } from './send-text.ts';
import { startLink } from './start-link.ts';
import { type Sweep, sweepOnClock } from './sweep.ts';
import { telegramChannel } from './telegram-channel.ts';
import type { Telegram, TelegramDeps } from './telegram-deps.ts';
import { tellNotices } from './tell-notices.ts';
import { forgetUpdates } from './update.store.ts';
import { fmt, lines, value } from './words.ts';

export type { TelegramDeps } from './telegram-deps.ts';

export interface OpenTelegram extends AsyncDisposable {
  readonly channel: ApprovalChannel;
  /** Begins to poll and to sweep. Returns at once, whether Telegram answers or not. */
  start(): void;
  state(): BotState;
  /** Makes a deep link for a person whose password was checked. Rejects with `telegram_unreachable`. */
  startLink(caller: Caller): Promise<{ url: string; code: string; expiresAt: number }>;
  /** Rejects with `link_code_invalid`. */
  confirmLink(caller: Caller, telegramId: string): Promise<void>;
  removeLink(caller: Caller): Promise<void>;
  /** Resolves when nothing is being sent. What waits for its time or for Telegram does not count. */
  settled(): Promise<void>;
}

/** A request that takes longer has failed, seconds. A poll is held for up to 30. */
const CALL_S = 20;
const POLL_S = 45;
/** Short waits that Telegram asks for are waited out in place; longer ones by the queue. */
const RETRY = { maxDelaySeconds: 2, maxRetryAttempts: 1, rethrowHttpErrors: true, rethrowInternalServerErrors: true };
/** Telegram keeps updates for a day; longer is only to be safe. */
const UPDATES_KEPT_MS = 7 * 86_400_000;

export function openTelegram(deps: TelegramDeps): OpenTelegram {
  const { clock, log, apiRoot, token } = deps;
  const api = new Api(token, { apiRoot, timeoutSeconds: CALL_S });
  api.config.use(autoRetry(RETRY));
  const telegram: Telegram = { ...deps, api, health: botHealth(clock), calls: inFlight(log) };
  return new Opened(telegram, new Api(token, { apiRoot, timeoutSeconds: POLL_S }));
}

class Opened implements OpenTelegram {
  readonly channel: ReturnType<typeof telegramChannel>;
  readonly #telegram: Telegram;
  readonly #pollApi: Api;
  readonly #deliveries: ReturnType<typeof deliveries>;
  readonly #bot: BotDeps;
  readonly #closedChats = new Set<string>();
  #me = { id: 0, username: '' };
  #sweep: Sweep | undefined;
  #poll: AsyncDisposable | undefined;

  constructor(telegram: Telegram, pollApi: Api) {
    this.#telegram = telegram;
    this.#pollApi = pollApi;
    const armed = arming(telegram.clock);
    const upToDate: UpToDateDeps = {
      ...telegram,
      arming: armed,
      closedChats: this.#closedChats,
      editedAt: new Map(),
      documents: new Map(),
    };
    this.#deliveries = deliveries({ ...telegram, carryOut: (job) => bringUpToDate(upToDate, job) });
    this.channel = telegramChannel({ ...telegram, deliveries: this.#deliveries, closedChats: this.#closedChats });
    this.#bot = {
      ...telegram,
      arming: armed,
      me: () => this.#me,
      refresh: (actionId, chatId) => this.#refresh(actionId, chatId),
      chatOpen: (chatId, open) => this.#chatOpen(chatId, open),
      linkEnded: (chatId) => this.#linkEnded(chatId),
      mayNote: seldom(telegram.clock, { times: 3, windowMs: 60_000 }),
      mayAnswer: seldom(telegram.clock, { times: 5, windowMs: 60_000 }),
    };
  }

  start(): void {
    const { clock, log, health } = this.#telegram;
    this.#sweep = sweepOnClock(clock, log, () => this.#sweepOnce());
    this.#poll = pollUpdates({
      ...this.#telegram,
      api: this.#pollApi,
      health,
      greet: async (signal) => {
        this.#me = await greet(this.#telegram, this.#pollApi, signal);
        this.#telegram.calls.let('commands of linked people', offerToLinked(this.#telegram));
      },
      take: (update) => takeUpdate(this.#bot, update),
      recovered: () => {
        log.info('telegram.connected', { bot: health.state().username });
        this.#deliveries.hurry();
        this.#sweep?.soon();
      },
    });
  }

  state(): BotState {
    return this.#telegram.health.state();
  }

  startLink(caller: Caller) {
    return startLink(this.#telegram, this.state(), caller);
  }

  async confirmLink(caller: Caller, telegramId: string): Promise<void> {
    await confirmLink(this.#telegram, caller, telegramId);
    const words = fmt`Linked. You act here for ${value(caller.person.name)}, ${caller.person.role}. /help tells what I can do.`;
    this.#chatOpen(telegramId, true);
    this.#tell(telegramId, lines([words]));
    offerCommands(this.#telegram, telegramId, true);
    this.#sweep?.soon();
  }

  async removeLink(caller: Caller): Promise<void> {
    const before = await linkOf(this.#telegram.db, caller.person.id);
    await removeLink(this.#telegram, caller);
    if (before?.state !== 'linked') return;
    this.#tell(before.telegram_id, lines(['This Telegram account was unlinked in the dashboard.']));
    this.#linkEnded(before.telegram_id);
  }

  async settled(): Promise<void> {
    await this.#deliveries.settled();
    await this.#telegram.calls.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#poll?.[Symbol.asyncDispose]();
    await this.#sweep?.[Symbol.asyncDispose]();
    await this.#deliveries[Symbol.asyncDispose]();
    await this.#telegram.calls.settled();
  }

  async #sweepOnce(): Promise<void> {
    const { db, clock } = this.#telegram;
    await this.channel.sweep();
    await tellNotices({ ...this.#telegram, closedChats: this.#closedChats });
    await write(db, (trx) => forgetUpdates(trx, clock.now() - UPDATES_KEPT_MS));
  }

  #refresh(actionId: string, chatId: string): void {
    this.#deliveries.add({ actionId, chatId }, urgency.card);
    this.channel.update(actionId).catch((error: unknown) => {
      this.#telegram.log.warn('telegram.refresh_failed', { action: actionId, error });
    });
  }

  #chatOpen(chatId: string, open: boolean): void {
    if (!open) this.#closedChats.add(chatId);
    else if (this.#closedChats.delete(chatId)) this.#sweep?.soon();
  }

  #linkEnded(chatId: string): void {
    offerCommands(this.#telegram, chatId, false);
    this.#sweep?.soon();
  }

  #tell(chatId: string, text: ReturnType<typeof lines>): void {
    this.#telegram.calls.let('news of a link', sendText(this.#telegram.api, chatId, text));
  }
}
