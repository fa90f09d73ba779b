/** Where the network ends: a control plane in the middle that bends what the real one answers, as a hostile one would. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface BendingProxy {
  readonly url: string;
  /** Method and path of every request, in order. */
  readonly requests: readonly string[];
  /** How answers to GET requests of a path are bent from now on; null lets them through. */
  // biome-ignore lint/suspicious/noExplicitAny: any JSON comes by here
  bend: ((path: string, body: any) => unknown) | null;
}

/** Starts it in front of a control plane; it ends with the test. */
export async function startBendingProxy(context: TestContext, target: string): Promise<BendingProxy> {
  const requests: string[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    requests.push(`${request.method} ${request.url}`);
    const { host: _ours, connection: _hop, 'content-length': _length, ...headers } = request.headers;
    const answer = await fetch(`${target}${request.url}`, {
      method: request.method ?? 'GET',
      headers: headers as Record<string, string>,
      ...(pieces.length > 0 ? { body: Buffer.concat(pieces) } : {}),
    });
    const text = await answer.text();
    const bent =
      request.method === 'GET' && proxy.bend ? JSON.stringify(proxy.bend(request.url ?? '', JSON.parse(text))) : text;
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(bent);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: BendingProxy = { url: `http://127.0.0.1:${port}`, requests, bend: null };
  return proxy;
}
