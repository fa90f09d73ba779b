import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { joined } from './apart.ts';

/** Both ends of a connection. */
async function ends(context: TestContext): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const here = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [there] = (await once(server, 'connection')) as [Socket];
  server.close();
  context.after(() => {
    here.destroy();
    there.destroy();
  });
  return [here, there];
}

test('when one side has said its last word and closed, the other still gets all of it', async (context) => {
  const [inner, reader] = await ends(context);
  const [outer, server] = await ends(context);
  const piece = Buffer.alloc(1024);
  let sent = 0;
  // Until the kernel takes no more, since nobody reads.
  while (inner.writableLength === 0) {
    inner.write(piece);
    sent += piece.length;
  }
  joined(inner, outer);
  server.end('last word');
  await once(outer, 'close');
  const got = Buffer.concat(await reader.toArray());
  assert.equal(got.length, sent + 'last word'.length);
  assert.equal(got.subarray(sent).toString(), 'last word');
});

test('when one side was lost before it could be joined, the other is closed', async (context) => {
  const [inner] = await ends(context);
  const [outer, server] = await ends(context);
  const gone = once(inner, 'close');
  inner.destroy();
  await gone;
  joined(inner, outer);
  server.resume();
  await once(server, 'close');
});
