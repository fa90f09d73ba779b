/**
 * The Telegram twin: a server on loopback that behaves like the Bot API towards a bot, and lets a test (or a person, on
 * its page) play everybody else. Point grammY's `apiRoot` at it.
 */
import { type Clock, systemClock } from '@countersign/protocol/clock';
import fastify from 'fastify';
import { type CallbackAnswer, Callbacks } from './callbacks.ts';
import { Chats, type ForwardOrigin, type MemberStatus, type TwinChat, type TwinUser } from './chats.ts';
import type { Core } from './core.ts';
import { Faults } from './faults.ts';
import type { JsonObject } from './json-fields.ts';
import { look, type TwinMessage, type WaitOptions, type Wanted, waitForMessage, waitUntil } from './look.ts';
import { createTopic } from './methods/about-chats.ts';
import { ANONYMOUS_ADMIN, changeBotStatus, discuss, forward, post, type SayOptions, say } from './people.ts';
import { serveApi, type TwinCall } from './serve-api.ts';
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

export interface NewUser {
  readonly firstName: string;
  /** A number beyond 32 bits is made up when none is given. */
  readonly id?: number;
  readonly lastName?: string;
  readonly username?: string;
  readonly isBot?: boolean;
}

export interface NewGroup {
  readonly title: string;
  readonly members?: readonly TwinUser[];
  readonly administrators?: readonly TwinUser[];
  /** The bot's standing; `member` by default. */
  readonly bot?: MemberStatus;
  /** A supergroup with topics of these names, beside "General". */
  readonly topics?: readonly string[];
  /** A small group of the old kind. */
  readonly basic?: boolean;
  readonly username?: string;
}

export type TelegramTwin = Awaited<ReturnType<typeof startTelegramTwin>>;

const FIRST_USER_ID = 7_100_000_001;
const SUPERGROUP_BASE = 1_002_000_000_000;
const BOT_ID = 7_999_000_001;
// As long as a real one, and plainly not secret.
const TOKEN_TAIL = 'AA-twin-of-telegram-for-tests-only-';
const WAIT_MS = 5_000;
// Telegram takes files of 50 MB; the rest is for the other parts of the body.
const MAX_BODY = 50 * 1024 * 1024 + 256 * 1024;

/** Starts a twin on 127.0.0.1. Dispose of it to end it, together with every connection to it. */
export async function startTelegramTwin(options: TwinOptions = {}) {
  const clock = options.clock ?? systemClock;
  const token = options.token ?? `${BOT_ID}:${TOKEN_TAIL}`;
  const username = options.botUsername ?? 'countersign_twin_bot';
  const bot: TwinUser = { id: Number(token.split(':')[0]), firstName: 'Countersign', username, isBot: true };
  const chats = new Chats(bot, clock);
  const updates = new Updates();
  const webhook = new Webhook(updates, () => chats.now());
  const core: Core = {
    clock,
    chats,
    updates,
    callbacks: new Callbacks(clock),
    webhook,
    privacy: options.privacy ?? true,
  };
  const faults = new Faults(updates, (user, blocked) =>
    changeBotStatus(core, user, chats.record(user.id).chat, blocked ? 'kicked' : 'member'),
  );
  const log: TwinCall[] = [];
  const callListeners = new Set<() => void>();
  const app = fastify({ bodyLimit: MAX_BODY, forceCloseConnections: true });
  serveApi(app, core, faults, token, log, () => {
    for (const listener of [...callListeners]) listener();
  });
  servePage(app, core);
  const url = await app.listen({ host: '127.0.0.1', port: options.port ?? 0 });

  /** The requests so far, of one method or of all. */
  const calls = (method?: string): TwinCall[] =>
    log.filter((call) => method === undefined || call.method.toLowerCase() === method.toLowerCase());

  return {
    /** For grammY's `client.apiRoot`, or `TELEGRAM_API_ROOT`. */
    apiRoot: url,
    token,
    bot,
    /** The page on which a person sees the chats and taps. `?chat=<id>&as=<user id>` opens one. */
    url: `${url}/`,
    faults,
    calls,
    ...population(core),
    ...acts(core),
    /** The messages of a chat as they are now. */
    messages: (chat: TwinChat): TwinMessage[] => look(chats, chat.id),
    /** Waits for a message that fits; one that is there already counts. */
    waitForMessage: (chat: TwinChat, wanted: Wanted, wait?: WaitOptions) =>
      waitForMessage(chats, chat.id, wanted, wait),
    /** Waits for a message that was edited and fits now. */
    waitForEdit: (chat: TwinChat, wanted: Wanted, wait?: WaitOptions) =>
      waitForMessage(chats, chat.id, wanted, { moreEditsThan: 0, ...wait }),
    /** Waits for the n-th finished request of a method (the first by default), counted from the start. */
    waitForCall: (method: string, nth = 1, timeoutMs = WAIT_MS): Promise<TwinCall> =>
      waitUntil(
        (listener) => {
          callListeners.add(listener);
          return () => callListeners.delete(listener);
        },
        () => calls(method).filter((call) => call.status !== undefined)[nth - 1],
        timeoutMs,
        () =>
          `the bot did not finish ${nth} calls of ${method} within ${timeoutMs} ms; it made ${calls(method).length}`,
      ),
    /** Queues any update, for kinds that nothing else here makes. */
    pushUpdate: (kind: string, body: JsonObject) => updates.push(kind, body),
    /** How many updates the bot has not confirmed yet. */
    pendingUpdates: () => updates.size,
    async [Symbol.asyncDispose]() {
      webhook.set(undefined);
      updates.release();
      await app.close();
    },
  };
}

/** Who and what is there. */
function population(core: Core) {
  const { chats } = core;
  let lastUser = FIRST_USER_ID - 1;
  let lastGroup = 0;
  const newChatId = (basic: boolean) => {
    lastGroup += 1;
    return basic ? -(4_000_000_000 + lastGroup) : -(SUPERGROUP_BASE + lastGroup);
  };
  return {
    /** Everybody who writes as an anonymous administrator, in every group. */
    anonymousAdmin: ANONYMOUS_ADMIN,
    addUser(given: NewUser): TwinUser {
      lastUser += 1;
      const user: TwinUser = { ...given, id: given.id ?? lastUser, isBot: given.isBot ?? false };
      chats.users.set(user.id, user);
      const name = user.username === undefined ? {} : { username: user.username };
      const chat: TwinChat = { id: user.id, kind: 'private', title: user.firstName, forum: false, ...name };
      chats.open(chat, [
        [user.id, 'member'],
        [chats.bot.id, 'member'],
      ]);
      return user;
    },
    /** The private chat of a person who has started the bot before; nothing is sent. */
    openPrivateChat(user: TwinUser): TwinChat {
      const record = chats.record(user.id);
      record.opened = true;
      chats.changed();
      return record.chat;
    },
    /** A group, a supergroup with `username` or without, or a forum. The bot gets an update when it is in it. */
    addGroup(given: NewGroup): TwinChat {
      const { title, members = [], administrators = [], bot = 'member', topics, basic = false } = given;
      const name = given.username === undefined ? {} : { username: given.username };
      const kind = basic ? 'group' : 'supergroup';
      const chat: TwinChat = { id: newChatId(basic), kind, title, forum: topics !== undefined, ...name };
      const people = [...members, ...administrators];
      const record = chats.open(
        chat,
        people.map((user) => [user.id, administrators.includes(user) ? 'administrator' : 'member']),
      );
      for (const topic of topics ?? []) createTopic(core, record, topic);
      if (bot !== 'left') changeBotStatus(core, people[0] ?? ANONYMOUS_ADMIN, chat, bot);
      return chat;
    },
    /** A channel. The bot is its administrator unless told otherwise. */
    addChannel(given: { title: string; username?: string; bot?: MemberStatus }): TwinChat {
      const name = given.username === undefined ? {} : { username: given.username };
      const chat: TwinChat = { id: newChatId(false), kind: 'channel', title: given.title, forum: false, ...name };
      chats.open(chat, []);
      changeBotStatus(core, ANONYMOUS_ADMIN, chat, given.bot ?? 'administrator');
      return chat;
    },
    /** The topics of a forum: name to `message_thread_id`. */
    topics: (chat: TwinChat) => new Map([...chats.record(chat.id).topics].map(([id, { name }]) => [name, id])),
    /** Adds the bot to a chat, promotes it, or throws it out (`kicked`). */
    setBotStatus: (by: TwinUser, chat: TwinChat, status: MemberStatus) => changeBotStatus(core, by, chat, status),
    addMember(chat: TwinChat, user: TwinUser, status: MemberStatus = 'member'): void {
      chats.record(chat.id).members.set(user.id, status);
      chats.changed();
    },
  };
}

/** What people do. Each returns the number of the message that it made. */
function acts(core: Core) {
  const { chats } = core;
  return {
    sendText: (user: TwinUser, chat: TwinChat, text: string, options?: SayOptions): number =>
      say(core, user, chat, text, options).messageId,
    /** Opens `t.me/<bot>?start=<payload>` and presses START. */
    pressDeepLink(user: TwinUser, payload: string): TwinChat {
      if (!/^[\w-]{0,64}$/.test(payload)) throw new Error('a start payload has at most 64 of A-Z, a-z, 0-9, _ and -');
      const { chat } = chats.record(user.id);
      say(core, user, chat, payload === '' ? '/start' : `/start ${payload}`);
      return chat;
    },
    /** A person forwards something that came from elsewhere. */
    forwardText: (user: TwinUser, chat: TwinChat, origin: ForwardOrigin, text: string): number =>
      forward(core, user, chat, origin, text).messageId,
    postToChannel: (channel: TwinChat, text: string): number => post(core, channel, text).messageId,
    /** Posts to a channel, and lets Telegram copy the post into the group where it is discussed. */
    postAndDiscuss: (channel: TwinChat, group: TwinChat, text: string): number =>
      discuss(core, post(core, channel, text), group).messageId,
    /** See `tap.ts`: the button is named by its text or its callback data. */
    tap: async (
      user: TwinUser,
      chat: TwinChat,
      messageId: number,
      button: string,
      options?: TapOptions,
    ): Promise<CallbackAnswer> => tap(core, user, chat, messageId, button, options),
    tapForged: async (user: TwinUser, forged: ForgedTap, options?: TapOptions): Promise<CallbackAnswer> =>
      tapForged(core, user, forged, options),
  };
}
