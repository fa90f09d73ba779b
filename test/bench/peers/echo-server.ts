/** Child process that answers every frame: raw TCP, raw `ws`, `ws` with JSON, and `ws` with the product's own codec. */
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import { decodeFromAgent, encode, FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/codec';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';
import { WebSocketServer } from 'ws';
import { serveCounted } from './counted-server.ts';
import type { EchoKind } from './echo.ts';

const request: FromControlPlane = {
  type: 'observe',
  requestId: 'req_000000000001',
  capability: 'overview',
  parameters: {},
  timeoutMs: 20_000,
};

const answers: Record<Exclude<EchoKind, 'tcp'>, (frame: string) => string> = {
  ws: (frame) => frame,
  'ws-json': (frame) => JSON.stringify(JSON.parse(frame)),
  'ws-wire': (frame) => {
    const decoded = decodeFromAgent(frame);
    if (decoded.outcome !== 'ok') throw new Error(JSON.stringify(decoded));
    return encode(request);
  },
};

function serve(kind: EchoKind): Server {
  if (kind === 'tcp')
    return createTcpServer({ noDelay: true }, (socket) => void socket.pipe(socket).on('error', () => socket.destroy()));
  const answer = answers[kind];
  const server = createHttpServer();
  new WebSocketServer({ server, perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX }).on('connection', (socket) => {
    socket.on('message', (data: Buffer) => socket.send(answer(data.toString('utf8'))));
  });
  return server;
}

serveCounted(serve(process.argv[2] as EchoKind));
