import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { listen } from '../../src/run/listen.ts';

test('when a program opens connection after connection, the runner turns away what is too many and keeps those it has', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-listen-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'run/runner.sock');
  const links: unknown[] = [];
  const server = await listen({ path }, (input) => links.push(input));
  t.after(() => server.close());
  const open = async (): Promise<Socket> => {
    const socket = connect(path);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
  const first = await Promise.all(Array.from({ length: 16 }, open));
  const turnedAway = await open();
  turnedAway.resume();
  await once(turnedAway, 'close');
  assert.equal(links.length, 16);
  assert.ok(first.every((socket) => !socket.destroyed));
  const room = once(first[0] as Socket, 'close');
  first[0]?.destroy();
  await room;
  const { promise, resolve } = Promise.withResolvers<void>();
  server.once('connection', () => resolve());
  await open();
  await promise;
});
