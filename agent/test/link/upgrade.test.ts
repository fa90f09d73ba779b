import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { systemIds } from '@countersign/protocol/system-ids';
import { CannotConnect } from '../../src/link/connect-socket.ts';
import { dialer, type Wire } from '../../src/link/dial.ts';

const quiet = new AbortController().signal;

/** Dials a server that takes the request and answers with what `answer` makes of its key. */
async function dialled(answer: (key: string, socket: Socket) => void): Promise<Wire> {
  const server = createServer((socket) => {
    let request = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (text: string) => {
      const wasWhole = request.includes('\r\n\r\n');
      request += text;
      if (!wasWhole && request.includes('\r\n\r\n'))
        answer(/^Sec-WebSocket-Key: (\S+)\r$/m.exec(request)?.[1] ?? '', socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    return await dialer({ url, tlsPin: null, ca: null, proxy: null, ids: systemIds })(quiet);
  } finally {
    server.close();
  }
}

const acceptOf = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

const switched = (key: string, more = '') =>
  `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n${more}\r\n`;

const refused: Record<string, [answer: (key: string) => string, why: RegExp]> = {
  'is no HTTP': [() => 'SSH-2.0-OpenSSH_9.2\r\n\r\n', /not HTTP/],
  'has a line that is no header': [(key) => switched(key, 'what is this\r\n'), /not HTTP/],
  'continues a header on the next line': [(key) => switched(key, 'X-Long: a\r\n b\r\n'), /not HTTP/],
  'has a line of blanks that is no header': [(key) => switched(key, `X:${' '.repeat(15_000)}\0\r\n`), /not HTTP/],
  'has no end': [() => `HTTP/1.1 101 Switching\r\n${'X-Long: aaaaaaaa\r\n'.repeat(1100)}`, /no end/],
  refuses: [() => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', /answered 403/],
  'is for another request': [() => switched('another'), /did not answer this request/],
  'is for this request and for another': [
    (key) => switched(key, `Sec-WebSocket-Accept: ${acceptOf('another')}\r\n`),
    /did not answer this request/,
  ],
  'switches to something else': [(key) => switched(key).replace('websocket', 'h2c'), /did not switch to a WebSocket/],
  'keeps this connection': [(key) => switched(key).replace('n: Upgrade', 'n: close'), /did not switch this connection/],
  'compresses unasked': [
    (key) => switched(key, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'),
    /in a way that nobody asked for/,
  ],
  'ends before its end': [() => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: web', /closed the connection/],
};

for (const [what, [answer, why]] of Object.entries(refused))
  test(`T2: when the answer to the upgrade ${what}, dialling ends with the reason and the connection is closed`, async () => {
    const gone = Promise.withResolvers<void>();
    const dialling = dialled((key, socket) => {
      socket.once('close', () => gone.resolve());
      if (what.startsWith('ends')) socket.end(answer(key));
      else socket.write(answer(key));
    });
    await assert.rejects(dialling, (error) => {
      assert.ok(error instanceof CannotConnect);
      assert.match(error.message, /does not speak with agents/);
      assert.match(error.message, why);
      return true;
    });
    await gone.promise;
  });

test('when frames come with the answer, or it comes in pieces, nothing of it is lost', async () => {
  const heard: string[] = [];
  const all = Promise.withResolvers<void>();
  const wire = await dialled((key, socket) => {
    const bytes = Buffer.concat([Buffer.from(switched(key)), frameOf('one'), frameOf('two')]);
    socket.setNoDelay(true).write(bytes.subarray(0, 40), () => socket.write(bytes.subarray(40)));
    socket.once('data', () => socket.write(frameOf('three')));
  });
  wire.listen({
    onFrame: (frame) => {
      heard.push(frame);
      if (frame === 'two') wire.send('and you?');
      if (frame === 'three') all.resolve();
    },
    onLife: () => undefined,
    onClose: (why) => all.reject(new Error(why)),
  });
  await all.promise;
  assert.deepEqual(heard, ['one', 'two', 'three']);
  wire.cut();
});

test('when the address has a name and a password, the request says them to who stands before the control plane', async () => {
  const asked = Promise.withResolvers<string>();
  const gate = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', (bytes) => {
        asked.resolve(bytes.toString('latin1'));
        socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      });
  });
  gate.listen(0, '127.0.0.1');
  await once(gate, 'listening');
  const url = `http://ada:s%20cret@127.0.0.1:${(gate.address() as AddressInfo).port}`;
  await assert.rejects(dialer({ url, tlsPin: null, ca: null, proxy: null, ids: systemIds })(quiet), (error) => {
    assert.ok(error instanceof CannotConnect && /answered 401/.test(error.message));
    return !error.message.includes('cret');
  });
  gate.close();
  const said = Buffer.from('ada:s cret').toString('base64');
  assert.ok((await asked.promise).includes(`\r\nAuthorization: Basic ${said}\r\n`));
});

/** A text frame of a server. Source: RFC 6455, section 5.2. */
function frameOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
}
