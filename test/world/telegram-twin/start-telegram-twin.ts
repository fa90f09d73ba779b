/**
 * The Telegram twin: a server on loopback that behaves like the Bot API towards a bot, and lets a test (or a person, on
 * its page) play everybody else. Point grammY's `apiRoot` at it.
 *
 * Known differences: Markdown is refused, methods beyond those in `methods/` are unknown, and there are no flood limits
 * but those that a test asks for.
 */
import { type Clock, systemClock } from '@countersign/protocol/clock';
import fastify from 'fastify';
import { CallLog } from './call-log.ts';
import { type CallbackAnswer, Callbacks } from './callbacks.ts';
import { Chats, type ForwardOrigin, type MemberStatus, type TwinChat, type TwinUser } from './chats.ts';
import type { Core } from './core.ts';
import { Faults } from './faults.ts';
import type { JsonObject } from './json-fields.ts';
import { look, lookAt, type WaitOptions, type Wanted, waitForMessage } from './look.ts';
import { ANONYMOUS_ADMIN, changeBotStatus, discuss, forward, post, type SayOptions, say, start } from './people.ts';
import { addChannel, addGroup, addUser, type NewChannel, type NewGroup, type NewUser } from './populate.ts';
import { serveApi } from './serve-api.ts';
import { servePage } from './serve-page.ts';
import { type ForgedTap, type TapOptions, tap, tapForged } from './tap.ts';
import { Updates } from './updates.ts';
import { Webhook } from './webhook.ts';

export interface TwinOptions {
  /** For dates, and for the age of messages and taps. Sockets and waits use real time. The system's clock by default. */
  readonly clock?: Clock;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  readonly token?: string;
  readonly botUsername?: string;
  /** Telegram's privacy mode for groups; on by default. */
  readonly privacy?: boolean;
}

export type TelegramTwin = Awaited<ReturnType<typeof startTelegramTwin>>;

const BOT_ID = 7_999_000_001;
// As long as a real one, and plainly not secret.
const TOKEN_TAIL = 'AA-twin-of-telegram-for-tests-only-';
const WAIT_MS = 30_000;
// Telegram takes files of 50 MB; the rest is for the other parts of the body.
const MAX_BODY = 50 * 1024 * 1024 + 256 * 1024;

/** Starts a twin on 127.0.0.1. Dispose of it to end it, together with every connection to it. */
export async function startTelegramTwin(options: TwinOptions = {}) {
  const token = options.token ?? `${BOT_ID}:${TOKEN_TAIL}`;
  const core = createCore(token, options);
  const faults = new Faults(core.updates, (user, blocked) =>
    changeBotStatus(core, user, core.chats.record(user.id).chat, blocked ? 'kicked' : 'member'),
  );
  const calls = new CallLog(core.clock);
  const app = fastify({ bodyLimit: MAX_BODY, forceCloseConnections: true });
  serveApi(app, core, faults, token, calls);
  servePage(app, core);
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });
  return {
    /** For grammY's `client.apiRoot`, or `TELEGRAM_API_ROOT`. */
    apiRoot: url,
    token,
    bot: core.chats.bot,
    /** The page on which a person sees the chats and taps. `?chat=<id>&as=<user id>` opens one. */
    url: `${url}/`,
    faults,
    /** The requests so far, of one method or of all. */
    calls: (method?: string) => calls.list(method),
    /** Waits for the n-th finished request of a method (the first by default), counted from the start. */
    waitForCall: (method: string, nth = 1, timeoutMs = WAIT_MS) => calls.waitFor(method, nth, timeoutMs),
    ...population(core),
    ...acts(core),
    ...sight(core),
    async [Symbol.asyncDispose]() {
      core.webhook.set(undefined);
      core.updates.release();
      await app.close();
    },
  };
}

function createCore(token: string, options: TwinOptions): Core {
  const clock = options.clock ?? systemClock;
  const username = options.botUsername ?? 'countersign_twin_bot';
  const bot = { id: Number(token.split(':')[0]), firstName: 'Countersign', username, isBot: true };
  const chats = new Chats(bot, clock);
  const updates = new Updates();
  const webhook = new Webhook(updates, () => chats.now());
  return { clock, chats, updates, callbacks: new Callbacks(clock), webhook, privacy: options.privacy ?? true };
}

/** Who and what is there. */
function population(core: Core) {
  const { chats } = core;
  return {
    /** Everybody who writes as an anonymous administrator, in every group. */
    anonymousAdmin: ANONYMOUS_ADMIN,
    addUser: (given: NewUser): TwinUser => addUser(chats, given),
    addGroup: (given: NewGroup): TwinChat => addGroup(core, given),
    addChannel: (given: NewChannel): TwinChat => addChannel(core, given),
    /** The private chat of a person who has started the bot before; nothing is sent. */
    openPrivateChat(user: TwinUser): TwinChat {
      const record = chats.record(user.id);
      record.opened = true;
      chats.changed();
      return record.chat;
    },
    addMember(chat: TwinChat, user: TwinUser, status: MemberStatus = 'member'): void {
      chats.record(chat.id).members.set(user.id, status);
      chats.changed();
    },
    /** Adds the bot to a group, promotes it, or throws it out (`kicked`). */
    setBotStatus: (by: TwinUser, chat: TwinChat, status: MemberStatus) => changeBotStatus(core, by, chat, status),
    /** The topics of a forum: name to `message_thread_id`. */
    topics: (chat: TwinChat) => new Map([...chats.record(chat.id).topics].map(([id, { name }]) => [name, id])),
  };
}

/** What people do. Those who write get the number of their message. */
function acts(core: Core) {
  return {
    sendText: (user: TwinUser, chat: TwinChat, text: string, options?: SayOptions): number =>
      say(core, user, chat, text, options).messageId,
    /** Opens `t.me/<bot>?start=<payload>` and presses START, which also ends a block. Returns the private chat. */
    pressDeepLink: (user: TwinUser, payload: string): TwinChat => start(core, user, payload),
    /** A person forwards something that came from elsewhere. */
    forwardText: (user: TwinUser, chat: TwinChat, origin: ForwardOrigin, text: string): number =>
      forward(core, user, chat, origin, text).messageId,
    postToChannel: (channel: TwinChat, text: string): number => post(core, channel, text).messageId,
    /** Posts to a channel, and lets Telegram copy the post into the group where it is discussed. */
    postAndDiscuss: (channel: TwinChat, group: TwinChat, text: string): number =>
      discuss(core, post(core, channel, text), group).messageId,
    /** Taps a button, named by its text or its callback data, and resolves with the bot's answer. See `tap.ts`. */
    tap: async (user: TwinUser, chat: TwinChat, messageId: number, button: string, options?: TapOptions) =>
      tap(core, user, chat, messageId, button, options),
    /** Sends a callback query that no honest app would send. */
    tapForged: async (user: TwinUser, forged: ForgedTap, options?: TapOptions): Promise<CallbackAnswer> =>
      tapForged(core, user, forged, options),
    /** Queues any update, for kinds that nothing else here makes. */
    pushUpdate: (kind: string, body: JsonObject) => core.updates.push(kind, body),
  };
}

/** What people see. */
function sight({ chats, updates }: Core) {
  return {
    /** The messages of a chat as they are now, without the deleted ones. */
    messages: (chat: TwinChat) => look(chats, chat.id),
    /** One message as it is now; looking at a whole long chat takes its time. */
    message: (chat: TwinChat, messageId: number) => lookAt(chats, chat.id, messageId),
    /** Waits for a message that fits; one that is there already counts. */
    waitForMessage: (chat: TwinChat, wanted: Wanted, wait?: WaitOptions) =>
      waitForMessage(chats, chat.id, wanted, wait),
    /** Waits for a message that was edited and fits now. */
    waitForEdit: (chat: TwinChat, wanted: Wanted, wait?: WaitOptions) =>
      waitForMessage(chats, chat.id, wanted, { moreEditsThan: 0, ...wait }),
    /** How many updates the bot has not confirmed yet. */
    pendingUpdates: () => updates.size,
    /** Ends the poll that is held with nothing, as if its time were over: a test need not wait for that in real time. */
    endPoll: () => updates.release(),
  };
}
