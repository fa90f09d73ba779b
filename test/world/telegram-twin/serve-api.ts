/** The Bot API over HTTP: one route for all methods, with the log of calls and the faults. */
import { delay, systemClock } from '@countersign/protocol/clock';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Core } from './core.ts';
import type { Faults } from './faults.ts';
import { createMethods, type NamedMethod } from './methods/index.ts';
import { Described } from './methods/updates-and-webhook.ts';
import { type Parameters, readParameters } from './parameters.ts';
import { errorBody, TelegramError } from './telegram-error.ts';

/** One request that the bot made. */
export interface TwinCall {
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Milliseconds since 1970, on the twin's clock. */
  readonly at: number;
  /** The HTTP status; undefined while the request is under way, and 0 when the connection was dropped. */
  status: number | undefined;
  /** Why it was refused. */
  description: string | undefined;
  result: unknown;
}

interface Served {
  readonly core: Core;
  readonly faults: Faults;
  readonly token: string;
  readonly log: TwinCall[];
  readonly methods: ReadonlyMap<string, NamedMethod>;
  readonly onCall: () => void;
}

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

const NOT_FOUND = new TelegramError(404, 'Not Found');

/** Adds the routes. `onCall` is told after each finished request. */
export function serveApi(
  app: FastifyInstance,
  core: Core,
  faults: Faults,
  token: string,
  log: TwinCall[],
  onCall: () => void,
): void {
  const served: Served = { core, faults, token, log, methods: createMethods(core), onCall };
  // Bodies of every kind are taken as bytes, since Telegram reads them in its own way.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    const status = error.statusCode ?? 500;
    const text = status === 413 ? 'Request Entity Too Large' : `Internal Server Error: ${error.message}`;
    return reply.code(status).send(errorBody(new TelegramError(status, text)));
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody(NOT_FOUND)));
  app.route({ method: ['GET', 'POST'], url: '/bot*', handler: (request, reply) => handle(served, request, reply) });
}

async function handle(served: Served, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
  if (served.faults.isDown) return drop(request, reply);
  const hangUp = new AbortController();
  reply.raw.on('close', () => hangUp.abort());
  const url = new URL(request.url, 'http://twin');
  const [, token = '', name = ''] = /^\/bot([^/]*)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const refusal = checkToken(served, token) ?? (name === '' ? NOT_FOUND : undefined);
  if (refusal !== undefined) return send(reply, { status: refusal.code, body: errorBody(refusal) });
  const method = served.methods.get(name.toLowerCase());
  const spoil = served.faults.take(method?.name ?? name);
  const call = begin(served, method?.name ?? name);
  const answer = await run(
    method,
    call,
    () => {
      const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
      const parameters = readParameters(url.searchParams, body, request.headers['content-type'] ?? '');
      Object.assign(call.parameters, parameters.toLog());
      if (spoil?.kind === 'refuse') throw spoil.error;
      return parameters;
    },
    hangUp.signal,
  );
  if (spoil?.kind === 'delay') await delay(systemClock, spoil.ms, hangUp.signal).catch(() => undefined);
  call.status = spoil?.kind === 'lose' ? 0 : answer.status;
  served.onCall();
  return spoil?.kind === 'lose' ? drop(request, reply) : send(reply, answer);
}

async function run(
  method: NamedMethod | undefined,
  call: TwinCall,
  read: () => Parameters,
  signal: AbortSignal,
): Promise<Answer> {
  try {
    const parameters = read();
    if (method === undefined) throw new TelegramError(404, 'Not Found: method not found');
    const result = await method.run({ parameters, signal });
    call.result = result instanceof Described ? result.result : result;
    const description = result instanceof Described ? { description: result.description } : {};
    return { status: 200, body: { ok: true, result: call.result, ...description } };
  } catch (error) {
    if (!(error instanceof TelegramError)) throw error;
    call.description = error.message;
    return { status: error.code, body: errorBody(error) };
  }
}

function begin(served: Served, method: string): TwinCall {
  const call: TwinCall = {
    method,
    parameters: {},
    at: served.core.clock.now(),
    status: undefined,
    description: undefined,
    result: undefined,
  };
  served.log.push(call);
  return call;
}

function checkToken({ token: expected }: Served, token: string): TelegramError | undefined {
  if (!/^\d+:[\w-]+$/.test(token)) return NOT_FOUND;
  if (token.startsWith('0')) return new TelegramError(401, 'Unauthorized: invalid token specified');
  return token === expected ? undefined : new TelegramError(401, 'Unauthorized');
}

function send(reply: FastifyReply, { status, body }: Answer): FastifyReply {
  const { parameters } = body as { parameters?: { retry_after?: number } };
  if (parameters?.retry_after !== undefined) reply.header('retry-after', String(parameters.retry_after));
  return reply.code(status).send(body);
}

function drop(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack();
  request.raw.socket.destroy();
  return reply;
}
