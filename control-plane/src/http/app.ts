/** The HTTP server: what guards every request, and the routes behind it. */
import { fault } from '@countersign/protocol';
import { remember } from '@countersign/protocol/remember';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { isNear, visitorOf } from '../config/addresses.ts';
import type { Config } from '../config/config.ts';
import type { TlsMaterial } from '../config/secrets.ts';
import type { Core } from '../ports.ts';
import type { Place } from './caller.ts';
import { answerErrors } from './errors.ts';
import { hostsKept, strangerIn } from './guard.ts';

export interface AppDeps extends Pick<Core, 'ids' | 'log'> {
  readonly config: Config;
  readonly tls: TlsMaterial | null;
  readonly place: Place;
  /** Requests that one address may send in a minute. */
  readonly requestsPerMinute: number;
}

const BODY_BYTES_MAX = 512 * 1024;

/** Makes the app with its guards, without routes. */
export async function makeApp(deps: AppDeps): Promise<FastifyInstance> {
  const { config, tls, ids, place } = deps;
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: 60_000,
    forceCloseConnections: true,
    // The proxy in front is believed about the visitor's address, and only what it says itself: no hop before it counts.
    trustProxy: config.tls.mode === 'proxy' && ((peer: string, hop: number) => hop === 0 && isNear(peer)),
    genReqId: () => ids.id('req'),
    routerOptions: { maxParamLength: 200 },
    // Operations parse what comes and goes: the compilers of JSON schemas (ajv) are not even loaded.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    ...(tls ? { https: { cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2' } } : {}),
  } as object) as FastifyInstance;
  readOnlyJson(app);
  answerErrors(app, deps.log);
  await app.register(helmet, { ...headersFor(config), global: false });
  sendHeaders(app);
  guard(app, config, place);
  await app.register(rateLimit, {
    max: deps.requestsPerMinute,
    timeWindow: 60_000,
    // Thousands of agents may come back at once from behind one address; the gateway has limits of its own.
    allowList: (request) => request.url === '/agent',
    keyGenerator: visitors(),
    errorResponseBuilder: (_request, { ttl }) => fault('rate_limited', { seconds: Math.max(1, Math.ceil(ttl / 1000)) }),
  });
  await app.register(cookie);
  logRequests(app, deps);
  return app;
}

const ADDRESSES_KEPT = 1000;

/** Who sends a request. An address is not taken apart again with each of its requests. */
function visitors(): (request: FastifyRequest) => string {
  const kept = new Map<string, string>();
  return ({ ip }) => remember(kept, ADDRESSES_KEPT, ip, () => visitorOf(ip));
}

function noSchemas(): never {
  throw new TypeError('routes have no JSON schemas here: an operation parses its input and output by its own');
}

/** Bodies are JSON. Plain text is not taken: a form of another site could send it without asking first. */
function readOnlyJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined);
    else parse(request, body.toString(), done);
  });
}

function guard(app: FastifyInstance, config: Config, place: Place): void {
  const isOurs = hostsKept();
  app.addHook('onRequest', async (request) => {
    const { headers } = request;
    const text = (value: string | string[] | undefined) => (Array.isArray(value) ? value.join(', ') : value);
    const stranger = strangerIn(
      {
        method: request.method,
        path: request.url.split('?')[0] ?? request.url,
        host: headers.host,
        origin: text(headers.origin),
        fetchSite: text(headers['sec-fetch-site']),
        fetchMode: text(headers['sec-fetch-mode']),
        fetchDest: text(headers['sec-fetch-dest']),
        get localAddress() {
          return request.socket.localAddress;
        },
      },
      { publicUrl: place.publicUrl, host: config.host },
      isOurs,
    );
    if (stranger !== null) throw fault('origin_denied', { origin: stranger, expected: place.publicUrl });
  });
}

/** Helmet words its headers anew for each request; ours are the same for all of them, so they are worded once. */
function sendHeaders(app: FastifyInstance): void {
  let worded: [string, number | string | string[]][] | undefined;
  app.addHook('onRequest', async (_request, { raw, helmet: word }) => {
    if (worded === undefined) {
      word();
      worded = Object.entries(raw.getHeaders()).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      );
    } else for (const [name, value] of worded) raw.setHeader(name, value);
  });
}

/** No script, style or frame but our own; nothing of ours inside another page (T18). */
function headersFor(config: Config) {
  const vouchedFor = config.tls.mode === 'given' || config.tls.mode === 'proxy';
  return {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        workerSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // With a certificate that we made ourselves it would lock people out who have to accept it by hand.
    strictTransportSecurity: vouchedFor && { maxAge: 180 * 86_400, includeSubDomains: false },
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
  } as const;
}

function logRequests(app: FastifyInstance, { log }: Pick<AppDeps, 'log'>): void {
  app.addHook('onResponse', async (request, reply) => {
    if (request.method === 'GET' && reply.statusCode < 400) return;
    log.info('http.answered', {
      method: request.method,
      route: request.routeOptions.url ?? '(none)',
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      ip: request.ip,
    });
  });
}
