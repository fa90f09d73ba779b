/** getChat, getChatMember, createForumTopic. */
import type { ChatRecord, MemberStatus } from '../chats.ts';
import type { Core, Method } from '../core.ts';
import type { JsonObject } from '../json-fields.ts';
import { chatJson, userJson } from '../message-json.ts';
import { badRequest } from '../telegram-error.ts';
import { botIsAdministrator, resolveChat } from './resolve-chat.ts';

const MAX_TOPIC_NAME = 128;
const TOPIC_COLORS = [0x6fb9f0, 0xffd67e, 0xcb86db, 0x8eee98, 0xff93b2, 0xfb6f5f];
const ADMINISTRATOR_RIGHTS = {
  can_be_edited: false,
  is_anonymous: false,
  can_manage_chat: true,
  can_delete_messages: true,
  can_manage_video_chats: false,
  can_restrict_members: false,
  can_promote_members: false,
  can_change_info: false,
  can_invite_users: true,
  can_post_stories: false,
  can_edit_stories: false,
  can_delete_stories: false,
  can_pin_messages: true,
  can_manage_topics: true,
};

/** The methods about chats and the people in them. */
export function chatMethods(core: Core): Record<string, Method> {
  return {
    getChat: ({ parameters }) => fullChatJson(core, resolveChat(core.chats, parameters.text('chat_id'), 'read')),
    getChatMember: ({ parameters }) => {
      const userId = parameters.integer('user_id', 0, 0, Number.MAX_SAFE_INTEGER);
      if (userId === 0) throw badRequest('Invalid user_id specified');
      const record = resolveChat(core.chats, parameters.text('chat_id'), 'read');
      const user = core.chats.users.get(userId);
      if (user === undefined) throw badRequest('user not found');
      return { user: userJson(user), ...statusJson(record.members.get(userId) ?? 'left') };
    },
    createForumTopic: ({ parameters }) => {
      const record = resolveChat(core.chats, parameters.text('chat_id'), 'write');
      if (!record.chat.forum) throw badRequest('chat is not a forum');
      if (!botIsAdministrator(core.chats, record)) throw badRequest('not enough rights to create a topic');
      const topic = createTopic(
        core,
        record,
        parameters.text('name'),
        parameters.integer('icon_color', 0, 0, 0xffffff),
      );
      return { message_thread_id: topic.threadId, name: topic.name, icon_color: topic.icon_color };
    },
  };
}

/** Opens a topic in a forum. Throws a 400 when the name is empty; a long one is cut. */
export function createTopic(core: Core, record: ChatRecord, name: string, color = 0) {
  const kept = [...name.trim()].slice(0, MAX_TOPIC_NAME).join('');
  if (kept === '') throw badRequest('Title must be non-empty');
  const topic = { name: kept, icon_color: TOPIC_COLORS.includes(color) ? color : 0x6fb9f0 };
  return { threadId: core.chats.addTopic(record, topic), ...topic };
}

function fullChatJson(core: Core, record: ChatRecord): JsonObject {
  const isPrivate = record.chat.kind === 'private';
  const permissions = { can_send_messages: true, can_send_documents: true, can_send_other_messages: true };
  return {
    ...chatJson(core.chats, record.chat),
    ...(record.chat.username === undefined ? {} : { active_usernames: [record.chat.username] }),
    ...(isPrivate ? {} : { permissions }),
    accent_color_id: 0,
    max_reaction_count: 11,
    accepted_gift_types: {
      unlimited_gifts: isPrivate,
      limited_gifts: isPrivate,
      unique_gifts: isPrivate,
      premium_subscription: isPrivate,
      gifts_from_channels: isPrivate,
    },
  };
}

function statusJson(status: MemberStatus): JsonObject {
  if (status === 'creator') return { status, is_anonymous: false };
  if (status === 'administrator') return { status, ...ADMINISTRATOR_RIGHTS };
  return status === 'kicked' ? { status, until_date: 0 } : { status };
}
