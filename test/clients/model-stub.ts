import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Conversation, parseJson, type Script, type Turn } from './script.ts';

export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: unknown;
}

export interface ModelStub {
  /** Where the stub listens, such as `http://127.0.0.1:40123`. */
  url: string;
  /** Every request that the assistant made, in order. */
  requests: RecordedRequest[];
  /** The longest conversation that the assistant showed its model; undefined where it never asked. */
  conversation: () => Conversation | undefined;
  /** The first error that the script threw, or the first request that the stub did not understand. */
  failure: () => Error | undefined;
  close: () => Promise<void>;
}

/** What an API's dialect needs in order to answer one request. */
export interface Exchange {
  request: RecordedRequest;
  response: ServerResponse;
  /** Asks the script for the next turn; a script that throws ends the conversation and the run fails with its error. */
  play: (conversation: Conversation) => Turn;
  /** Ids that are unique in this stub, such as `msg_1`. */
  nextId: (prefix: string) => string;
}

/** Answers one request, or returns false where the path is not of this API. */
export type Dialect = (exchange: Exchange) => boolean;

/** Starts a model API on a free port of the loopback address, which answers as the script says. */
export async function startModelStub(dialect: Dialect, script: Script): Promise<ModelStub> {
  const requests: RecordedRequest[] = [];
  let longest: Conversation | undefined;
  let failure: Error | undefined;
  let ids = 0;
  const play = (conversation: Conversation): Turn => {
    if (!longest || conversation.turn >= longest.turn) longest = conversation;
    try {
      return script(conversation);
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
      return { text: 'The script failed.' };
    }
  };
  const app = createServer(async (incoming, response) => {
    const request = await readRequest(incoming);
    if (request === undefined) return;
    requests.push(request);
    const nextId = (prefix: string) => `${prefix}_${++ids}`;
    try {
      if (!dialect({ request, response, play, nextId })) sendJson(response, 404, notFound(request));
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
      sendJson(response, 400, { type: 'error', error: { type: 'invalid_request_error', message: String(error) } });
    }
  });
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(app.address() as AddressInfo).port}`,
    requests,
    conversation: () => longest,
    failure: () => failure,
    close: async () => {
      app.closeAllConnections();
      await new Promise((resolve) => app.close(resolve));
    },
  };
}

/** Undefined where the assistant was killed before it had said all of it. */
async function readRequest(incoming: IncomingMessage): Promise<RecordedRequest | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of incoming) chunks.push(chunk);
  } catch (error) {
    if (!incoming.complete) return undefined;
    throw error;
  }
  return {
    method: incoming.method ?? '',
    path: (incoming.url ?? '').split('?')[0] ?? '',
    headers: incoming.headers,
    body: parseJson(Buffer.concat(chunks).toString('utf8')),
  };
}

function notFound(request: RecordedRequest): unknown {
  return { type: 'error', error: { type: 'not_found_error', message: `${request.method} ${request.path}` } };
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

/** Sends named server-sent events; each event's name is also its `type`, as both model APIs have it. */
export function sendEvents(response: ServerResponse, events: { type: string }[]): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  response.end();
}
