/** Who and what is there: people, groups, channels. */
import type { Chats, MemberStatus, TwinChat, TwinUser } from './chats.ts';
import type { Core } from './core.ts';
import { createTopic } from './methods/about-chats.ts';
import { ANONYMOUS_ADMIN, changeBotStatus } from './people.ts';

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
  /** Makes it a forum with topics of these names, beside "General". */
  readonly topics?: readonly string[];
  /** A small group of the old kind. */
  readonly basic?: boolean;
  readonly username?: string;
}

export interface NewChannel {
  readonly title: string;
  readonly username?: string;
  /** The bot's standing; `administrator` by default. */
  readonly bot?: MemberStatus;
}

const FIRST_USER_ID = 7_100_000_001;
const FIRST_BASIC_GROUP_ID = 4_000_000_001;
const FIRST_SUPERGROUP_ID = 1_002_000_000_001;

/** A new account. Its private chat with the bot is closed until the person starts it. */
export function addUser(chats: Chats, given: NewUser): TwinUser {
  const user: TwinUser = { ...given, id: given.id ?? FIRST_USER_ID + chats.users.size, isBot: given.isBot ?? false };
  chats.users.set(user.id, user);
  const name = user.username === undefined ? {} : { username: user.username };
  const chat: TwinChat = { id: user.id, kind: 'private', title: user.firstName, forum: false, ...name };
  chats.open(chat, [
    [user.id, 'member'],
    [chats.bot.id, 'member'],
  ]);
  return user;
}

/** A group, supergroup or forum. The bot gets an update when it is in it. */
export function addGroup(core: Core, given: NewGroup): TwinChat {
  const { title, members = [], administrators = [], bot = 'member', topics, basic = false } = given;
  const name = given.username === undefined ? {} : { username: given.username };
  const id = -((basic ? FIRST_BASIC_GROUP_ID : FIRST_SUPERGROUP_ID) + core.chats.records.size);
  const chat: TwinChat = { id, kind: basic ? 'group' : 'supergroup', title, forum: topics !== undefined, ...name };
  const record = core.chats.open(chat, [
    ...members.map((user) => [user.id, 'member'] as const),
    ...administrators.map((user) => [user.id, 'administrator'] as const),
  ]);
  for (const topic of topics ?? []) createTopic(core, record, topic);
  const by = administrators[0] ?? members[0] ?? ANONYMOUS_ADMIN;
  if (bot !== 'left') changeBotStatus(core, by, chat, bot);
  return chat;
}

/** A channel, which the bot is told of. */
export function addChannel(core: Core, given: NewChannel): TwinChat {
  const name = given.username === undefined ? {} : { username: given.username };
  const id = -(FIRST_SUPERGROUP_ID + core.chats.records.size);
  const chat: TwinChat = { id, kind: 'channel', title: given.title, forum: false, ...name };
  core.chats.open(chat, []);
  changeBotStatus(core, ANONYMOUS_ADMIN, chat, given.bot ?? 'administrator');
  return chat;
}
