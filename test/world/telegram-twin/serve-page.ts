/** A page at `/` that shows the chats as a phone would, on which a person can write and tap. For demonstrations and screenshots. */
import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { ChatRecord, StoredMessage, TwinUser } from './chats.ts';
import type { Core } from './core.ts';
import { say } from './people.ts';
import { renderHtml } from './render-html.ts';
import { tap } from './tap.ts';

const PAGE = new URL('./page.html', import.meta.url);

const tapSchema = z.strictObject({ user: z.int(), chat: z.int(), message: z.int(), button: z.string().max(256) });
const saySchema = z.strictObject({
  user: z.int(),
  chat: z.int(),
  text: z.string().min(1).max(4096),
  thread: z.int().optional(),
});

/** Adds the page and what it needs. Mistakes of the person (no such button, not in the chat) come back as 400 with a sentence. */
export function servePage(app: FastifyInstance, core: Core): void {
  const person = (id: number) => {
    const user = core.chats.users.get(id);
    if (user === undefined) throw new Error(`there is no user ${id}`);
    return user;
  };
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(await readFile(PAGE)));
  app.get('/ui/state', () => state(core));
  app.post('/ui/tap', async (request, reply) => {
    try {
      const { user, chat, message, button } = tapSchema.parse(JSON.parse(String(request.body)));
      return await tap(core, person(user), core.chats.record(chat).chat, message, button);
    } catch (error) {
      return reply.code(400).send({ error: (error as Error).message });
    }
  });
  app.post('/ui/say', async (request, reply) => {
    try {
      const { user, chat, text, thread } = saySchema.parse(JSON.parse(String(request.body)));
      const options = thread === undefined ? {} : { threadId: thread };
      return { message: say(core, person(user), core.chats.record(chat).chat, text, options).messageId };
    } catch (error) {
      return reply.code(400).send({ error: (error as Error).message });
    }
  });
  app.get<{ Params: { chat: string; message: string } }>('/ui/document/:chat/:message', (request, reply) => {
    const { document } = core.chats.find(Number(request.params.chat), Number(request.params.message)) ?? {};
    if (document === undefined) return reply.callNotFound();
    // Always as a download: what a bot uploads must not run as a page.
    reply.header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(document.fileName)}`);
    return reply.type('application/octet-stream').send(document.bytes);
  });
  serveEvents(app, core);
}

/** Server-sent events without content: each says that something changed. */
function serveEvents(app: FastifyInstance, core: Core): void {
  app.get('/ui/events', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    reply.raw.write('retry: 500\n\n');
    const stop = core.chats.onChange(() => reply.raw.write('data: changed\n\n'));
    reply.raw.on('close', stop);
  });
}

function state(core: Core): unknown {
  const records = [...core.chats.records.values()];
  return {
    bot: summary(core.chats.bot),
    users: [...core.chats.users.values()].filter((user) => user.id !== core.chats.bot.id).map(summary),
    chats: records
      .filter((record) => record.opened || record.messages.length > 0)
      .map((record) => chatState(core, record)),
  };
}

function summary(user: TwinUser): unknown {
  return {
    id: user.id,
    name: [user.firstName, user.lastName].filter(Boolean).join(' '),
    username: user.username,
    isBot: user.isBot,
  };
}

function chatState(core: Core, record: ChatRecord): unknown {
  const present = [...record.members].filter(([, status]) => status !== 'left' && status !== 'kicked');
  return {
    id: record.chat.id,
    title: record.chat.title,
    kind: record.chat.kind,
    topics: [...record.topics].map(([id, { name }]) => ({ id, name })),
    action: record.action,
    members: present.map(([id]) => id).filter((id) => id !== core.chats.bot.id),
    messages: record.messages
      .filter((message) => !message.deleted)
      .map((message) => messageState(core, record, message)),
  };
}

function messageState(core: Core, record: ChatRecord, message: StoredMessage): unknown {
  const replied = message.replyTo === undefined ? undefined : core.chats.find(record.chat.id, message.replyTo);
  return {
    id: message.messageId,
    from: message.from?.id,
    fromName: message.senderChat?.title ?? message.from?.firstName ?? record.chat.title,
    byBot: message.from?.id === core.chats.bot.id,
    html: renderHtml(message.content, { found: true }),
    buttons: message.keyboard ?? [],
    document: message.document && { name: message.document.fileName, size: message.document.bytes.length },
    date: message.date,
    edited: message.editDate !== undefined,
    thread: message.threadId,
    topic: message.threadId === undefined ? undefined : record.topics.get(message.threadId)?.name,
    service: message.topicCreated && `Topic "${message.topicCreated.name}" created`,
    forwardedFrom: forwardName(message),
    reply: replied && { name: replied.from?.firstName ?? record.chat.title, text: replied.content.text.slice(0, 80) },
  };
}

function forwardName({ forward }: StoredMessage): string | undefined {
  if (forward === undefined) return undefined;
  if (forward.type === 'user') return forward.user.firstName;
  return forward.type === 'channel' ? forward.chat.title : forward.name;
}
