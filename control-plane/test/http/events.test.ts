import assert from 'node:assert/strict';
import { type ClientRequest, get } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type LiveEvent, liveEventSchema, NEWEST_EVENT_HEADER } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { eventually } from '../../../test/world/eventually.ts';
import { tellOfEntries } from '../../src/audit/tell-of-entries.ts';
import { liveHub } from '../../src/http/live-hub.ts';
import { type Door, openDoor, ownerSession } from './door.ts';
import { raw } from './raw.ts';

interface Message {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

interface Reader {
  readonly messages: Message[];
  readonly ended: Promise<void>;
  until(found: (messages: Message[]) => boolean): Promise<Message[]>;
  stop(): void;
}

/** Reads a stream as a browser does (HTML Living Standard, 9.2.6). */
function follow(context: TestContext, door: Door, session: string, lastId?: string): Reader {
  const messages: Message[] = [];
  const ended = Promise.withResolvers<void>();
  const headers = { authorization: `Bearer ${session}`, ...(lastId === undefined ? {} : { 'last-event-id': lastId }) };
  const request: ClientRequest = get(
    { host: '127.0.0.1', port: door.port, path: '/api/v1/events', headers },
    (response) => {
      assert.equal(response.headers['content-type'], 'text/event-stream; charset=utf-8');
      assert.match(String(response.headers['content-security-policy']), /frame-ancestors 'none'/);
      let waiting = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        waiting += piece;
        const blocks = waiting.split('\n\n');
        waiting = blocks.pop() ?? '';
        for (const block of blocks) {
          const field = (name: string) =>
            block
              .split('\n')
              .find((line) => line.startsWith(`${name}: `))
              ?.slice(name.length + 2);
          messages.push({
            id: field('id'),
            event: field('event') ?? (block.includes('data: ') ? 'message' : 'comment'),
            data: field('data') ?? '',
          });
        }
      });
      response.on('close', () => ended.resolve());
    },
  );
  request.on('error', () => ended.resolve());
  context.after(() => request.destroy());
  return {
    messages,
    ended: ended.promise,
    async until(found) {
      await eventually('the messages', () => found(messages)).catch((error: unknown) => {
        throw new Error(JSON.stringify(messages).slice(0, 2000), { cause: error });
      });
      return messages;
    },
    stop: () => void request.destroy(),
  };
}

const server = (n: number): LiveEvent => ({ type: 'server', id: `srv_${n}` });
const ids = (messages: Message[]) =>
  messages.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data).id);

const newestEntry = async ({ db }: Door) =>
  (await db.selectFrom('audit_entry').select('seq').orderBy('seq', 'desc').executeTakeFirstOrThrow()).seq;

test('when something changes, an open dashboard hears of it', async (context) => {
  const door = await openDoor(context);
  const reader = follow(context, door, await ownerSession(door));
  await reader.until((messages) => messages.length > 0);
  door.hub.publish(server(1));
  door.hub.publish(server(2));
  assert.deepEqual(ids(await reader.until((messages) => ids(messages).length === 2)), ['srv_1', 'srv_2']);
});

test('when somebody changes what has no event of its own, an open dashboard hears what the new entries are about', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  tellOfEntries({ db: door.db, clock: door.clock, live: door.hub });
  const reader = follow(context, door, session);
  await reader.until((messages) => messages.length > 0);
  const call = door.call(session);
  await call('invitePerson', { email: 'bob@example.org', name: 'Bob', role: 'viewer' });
  const { token } = await call('createToken', { name: 'Claude' });
  await call('revokeToken', { token: token.id });
  const told = (messages: Message[]): LiveEvent[] =>
    messages.filter(({ event }) => event === 'message').map(({ data }) => JSON.parse(data));
  const newest = await newestEntry(door);
  const events = told(
    await reader.until((messages) => told(messages).some((it) => it.type === 'audit' && it.seq === newest)),
  );
  for (const event of events) {
    assert.deepEqual(Object.keys(event), ['type', 'seq', 'nouns'], 'and nothing of what they say');
    assert.equal(liveEventSchema.safeParse(event).success, true);
  }
  const nouns = new Set(events.flatMap((event) => (event.type === 'audit' ? event.nouns : [])));
  assert.deepEqual([...nouns], ['person', 'token']);
});

test('when a dashboard was cut off, it gets what it missed, in order and once', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const first = follow(context, door, session);
  await first.until((messages) => messages.length > 0);
  door.hub.publish(server(1));
  const lastId = (await first.until((messages) => ids(messages).length === 1)).at(-1)?.id;
  first.stop();
  for (const n of [2, 3, 4]) door.hub.publish(server(n));
  const second = follow(context, door, session, lastId);
  await second.until((messages) => ids(messages).length === 3);
  door.hub.publish(server(5));
  assert.deepEqual(ids(await second.until((messages) => ids(messages).length === 4)), [
    'srv_2',
    'srv_3',
    'srv_4',
    'srv_5',
  ]);
});

test('when a person is answered, the answer tells after which event a stream misses nothing; nobody else is told', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { secret } = await door.call(session)('createToken', { name: 'Claude' });
  const ask = async (path: string, bearer?: string) => {
    const authorization = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
    return (await raw(door, 'GET', path, { host: 'localhost', ...authorization })).headers[NEWEST_EVENT_HEADER];
  };
  const told = String(await ask('/api/v1/session', session));
  door.hub.publish(server(1));
  const reader = follow(context, door, session, told);
  assert.deepEqual(ids(await reader.until((messages) => ids(messages).length > 0)), ['srv_1']);
  assert.notEqual(await ask('/api/v1/session', session), told);
  for (const bearer of [secret, undefined]) assert.equal(await ask('/api/v1/session', bearer), undefined);
});

test('when a dashboard missed more than is kept, or the control plane was restarted, it is told to read everything anew', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const before = door.hub.newest();
  for (let n = 0; n < 1200; n += 1) door.hub.publish(server(n));
  for (const lastId of [before, liveHub({ ids: systemIds }).newest(), 'nonsense']) {
    const [message] = await follow(context, door, session, lastId).until((messages) => messages.length > 0);
    assert.equal(message?.event, 'reset', lastId);
    assert.equal(message?.id, door.hub.newest());
  }
});

test('when nothing happens, a beat comes all the same', async (context) => {
  const door = await openDoor(context);
  const reader = follow(context, door, await ownerSession(door));
  await reader.until((messages) => messages.filter(({ event }) => event === 'comment').length >= 2);
});

test('when a token or nobody asks for the stream, it is refused', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const { secret } = await door.call(session)('createToken', { name: 'Claude' });
  const ask = (headers: Record<string, string>) =>
    raw(door, 'GET', '/api/v1/events', { host: 'localhost', ...headers });
  assert.equal((await ask({})).status, 401);
  assert.equal((await ask({ authorization: `Bearer ${secret}` })).status, 403);
});

test('when a session ends or its person is removed, their streams end with it', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const reader = follow(context, door, session);
  await reader.until((messages) => messages.length > 0);
  await door.call(session)('signOut', {});
  await reader.ended;
});

test('T13: when a dashboard never reads, it is cut off before it fills the memory, and another one gets everything', async (context) => {
  const door = await openDoor(context);
  const session = await ownerSession(door);
  const deaf = connect(door.port, '127.0.0.1');
  context.after(() => deaf.destroy());
  deaf.on('error', () => undefined);
  deaf.pause();
  deaf.write(`GET /api/v1/events HTTP/1.1\r\nHost: localhost:${door.port}\r\nAuthorization: Bearer ${session}\r\n\r\n`);
  const reader = follow(context, door, session);
  await reader.until((messages) => messages.length > 0);
  const before = process.memoryUsage().rss;
  // About 20 MB on the wire: more than the buffers of the system take.
  const rounds = 40;
  for (let round = 1; round <= rounds; round += 1) {
    for (let n = 0; n < 500; n += 1) door.hub.publish({ type: 'server', id: 'x'.repeat(1000) });
    await reader.until((messages) => messages.length >= round * 500);
  }
  const grown = (process.memoryUsage().rss - before) / 2 ** 20;
  deaf.resume();
  await eventually('it to be cut off', () => deaf.closed);
  assert.ok(grown < 150, `${grown.toFixed()} MB, most of it what the reader keeps`);
});
