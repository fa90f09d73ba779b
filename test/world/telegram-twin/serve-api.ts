/** The Bot API over HTTP: one route for all methods, with the log of calls and the faults. */
import { delay, systemClock } from '@countersign/protocol/clock';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { CallLog, TwinCall } from './call-log.ts';
import type { Core } from './core.ts';
import type { Faults } from './faults.ts';
import { createMethods, type NamedMethod } from './methods/index.ts';
import { Described } from './methods/updates-and-webhook.ts';
import { readParameters } from './parameters.ts';
import { errorBody, TelegramError } from './telegram-error.ts';

interface Served {
  readonly faults: Faults;
  readonly token: string;
  readonly calls: CallLog;
  readonly methods: ReadonlyMap<string, NamedMethod>;
}

type Answer = { readonly status: number; readonly body: Record<string, unknown> };

const NOT_FOUND = new TelegramError(404, 'Not Found');

/** Adds the routes of the Bot API. */
export function serveApi(app: FastifyInstance, core: Core, faults: Faults, token: string, calls: CallLog): void {
  const served: Served = { faults, token, calls, methods: createMethods(core) };
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
  const url = new URL(request.url, 'http://twin');
  const [, token = '', name = ''] = /^\/bot([^/]*)\/?(.*)$/.exec(decodeURIComponent(url.pathname)) ?? [];
  const refusal = checkToken(served, token) ?? (name === '' ? NOT_FOUND : undefined);
  if (refusal !== undefined) return send(reply, { status: refusal.code, body: errorBody(refusal) });
  const method = served.methods.get(name.toLowerCase()) ?? { name, run: unknownMethod };
  const call = served.calls.begin(method.name);
  const spoil = served.faults.take(method.name);
  const hangUp = new AbortController();
  reply.raw.on('close', () => hangUp.abort());
  const answer = await answerCall(call, () => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const parameters = readParameters(url.searchParams, body, request.headers['content-type'] ?? '');
    Object.assign(call.parameters, parameters.toLog());
    if (spoil?.kind === 'refuse') throw spoil.error;
    return method.run({ parameters, signal: hangUp.signal });
  });
  if (spoil?.kind === 'delay') await delay(systemClock, spoil.ms, hangUp.signal).catch(() => undefined);
  served.calls.end(call, spoil?.kind === 'lose' ? 0 : answer.status);
  return spoil?.kind === 'lose' ? drop(request, reply) : send(reply, answer);
}

async function answerCall(call: TwinCall, run: () => unknown): Promise<Answer> {
  try {
    const result = await run();
    call.result = result instanceof Described ? result.result : result;
    const description = result instanceof Described ? { description: result.description } : {};
    return { status: 200, body: { ok: true, result: call.result, ...description } };
  } catch (error) {
    // Anything else is a mistake in the twin, and shown as such.
    const refusal = error instanceof TelegramError ? error : new TelegramError(500, `Twin: ${(error as Error).stack}`);
    call.description = refusal.message;
    return { status: refusal.code, body: errorBody(refusal) };
  }
}

function unknownMethod(): never {
  throw new TelegramError(404, 'Not Found: method not found');
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
