/**
 * A certificate authority that speaks ACME as Let's Encrypt does, under its names, for a host that has no internet: a real
 * certbot talks to it, and it really fetches the answers to its challenges. Source: RFC 8555.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:http';
import { createServer } from 'node:https';
import { z } from 'zod';
import type { LabCa } from '../lab-ca.ts';
import { fromBase64url, type JsonWebKey, parseJws, type SignedRequest, thumbprint } from './jws.ts';

/** Where certbot looks for Let's Encrypt, and for its test service. */
export const ACME_NAMES = ['acme-v02.api.letsencrypt.org', 'acme-staging-v02.api.letsencrypt.org'] as const;
const FETCH_MS = 5000;

interface Order {
  readonly names: readonly string[];
  readonly token: string;
  status: 'pending' | 'ready' | 'valid' | 'invalid';
  certificate: string | null;
}

export interface AcmeTwin extends AsyncDisposable {
  /** How many days what it signs from now on is valid. */
  days: number;
  /** Certificates signed so far by each of the two services. */
  readonly signed: { production: number; staging: number };
}

interface Surroundings {
  readonly ca: LabCa;
  /** Address to listen on, port 443. */
  readonly address: string;
  /** Where the servers of all names are: their port 80 is asked. */
  readonly servers: string;
}

export async function startAcmeTwin(surroundings: Surroundings): Promise<AcmeTwin> {
  const state = new Authority(surroundings);
  const { key, certificate } = await surroundings.ca.issue(ACME_NAMES, 30);
  const server = createServer(
    { key, cert: certificate },
    (incoming, response) => void state.answer(incoming, response),
  );
  server.listen(443, surroundings.address);
  await once(server, 'listening');
  return Object.assign(state, {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
}

class Problem extends Error {
  readonly type: string;

  constructor(type: string, detail: string) {
    super(detail);
    this.type = type;
  }
}

class Authority {
  days = 90;
  readonly signed = { production: 0, staging: 0 };
  readonly #surroundings: Surroundings;
  readonly #nonces = new Set<string>();
  readonly #accounts = new Map<string, JsonWebKey>();
  readonly #orders = new Map<string, Order>();

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  async answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const nonce = randomBytes(12).toString('base64url');
    this.#nonces.add(nonce);
    response.setHeader('replay-nonce', nonce);
    response.setHeader('cache-control', 'no-store');
    try {
      await this.#route(incoming, response);
    } catch (error) {
      const [type, detail] = error instanceof Problem ? [error.type, error.message] : ['malformed', String(error)];
      response.setHeader('content-type', 'application/problem+json');
      response.statusCode = 400;
      response.end(JSON.stringify({ type: `urn:ietf:params:acme:error:${type}`, detail, status: 400 }));
    }
  }

  async #route(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const base = `https://${incoming.headers.host}`;
    const path = incoming.url ?? '/';
    if (path === '/directory') return send(response, 200, directoryOf(base));
    if (path === '/nonce') return send(response, incoming.method === 'HEAD' ? 200 : 204, null);
    const signed = parseJws(await textOf(incoming));
    this.#requireFresh(signed, `${base}${path}`);
    if (path === '/account') return this.#newAccount(signed, response, base);
    const jwk = this.#accounts.get(signed.header.kid ?? '');
    if (jwk === undefined || !signed.isSignedBy(jwk)) throw new Problem('accountDoesNotExist', 'no such account');
    const [, kind = '', id = ''] = path.split('/');
    if (kind === 'account') return send(response, 200, { status: 'valid' });
    if (kind === 'new-order') return this.#newOrder(signed, response, base);
    const order = this.#orders.get(id);
    if (order === undefined) throw new Problem('malformed', `no ${kind} ${id}`);
    if (kind === 'challenge') await this.#validate(order, jwk);
    if (kind === 'finalize') await this.#finalize(order, signed, incoming.headers.host ?? '');
    if (kind === 'certificate') {
      response.setHeader('content-type', 'application/pem-certificate-chain');
      response.end(order.certificate);
      return;
    }
    if (kind === 'challenge') response.setHeader('link', `<${base}/authorization/${id}>;rel="up"`);
    if (kind === 'finalize') response.setHeader('location', `${base}/order/${id}`);
    send(response, 200, viewOf(kind, id, order, base));
  }

  #requireFresh({ header }: SignedRequest, url: string): void {
    if (!this.#nonces.delete(header.nonce)) throw new Problem('badNonce', 'this nonce was not given or is used up');
    if (header.url !== url) throw new Problem('unauthorized', 'signed for another address');
  }

  #newAccount(signed: SignedRequest, response: ServerResponse, base: string): void {
    const jwk = signed.header.jwk as JsonWebKey | undefined;
    if (jwk === undefined || !signed.isSignedBy(jwk)) throw new Problem('malformed', 'the signature is wrong');
    const url = `${base}/account/${thumbprint(jwk)}`;
    this.#accounts.set(url, jwk);
    response.setHeader('location', url);
    send(response, 201, { status: 'valid', orders: `${url}/orders` });
  }

  #newOrder({ payload }: SignedRequest, response: ServerResponse, base: string): void {
    const identifier = z.object({ type: z.literal('dns'), value: z.string() });
    const { identifiers } = z.object({ identifiers: z.array(identifier).length(1) }).parse(payload);
    const [id, token] = [randomBytes(6).toString('hex'), randomBytes(16).toString('base64url')];
    const order: Order = { names: identifiers.map(({ value }) => value), token, status: 'pending', certificate: null };
    this.#orders.set(id, order);
    response.setHeader('location', `${base}/order/${id}`);
    send(response, 201, viewOf('order', id, order, base));
  }

  async #validate(order: Order, jwk: JsonWebKey): Promise<void> {
    if (order.status !== 'pending') return;
    const said = await fetchFrom(this.#surroundings.servers, order);
    order.status = said.trim() === `${order.token}.${thumbprint(jwk)}` ? 'ready' : 'invalid';
  }

  async #finalize(order: Order, { payload }: SignedRequest, host: string): Promise<void> {
    if (order.status !== 'ready') throw new Problem('orderNotReady', `the order is ${order.status}`);
    const csr = fromBase64url(z.object({ csr: z.string() }).parse(payload).csr);
    const asked = await this.#surroundings.ca.namesIn(csr);
    if (asked.join() !== order.names.join()) throw new Problem('badCSR', `the request is for ${asked.join()}`);
    order.certificate = await this.#surroundings.ca.sign(csr, order.names, this.days);
    order.status = 'valid';
    this.signed[host === ACME_NAMES[0] ? 'production' : 'staging'] += 1;
  }
}

function directoryOf(base: string) {
  return {
    newNonce: `${base}/nonce`,
    newAccount: `${base}/account`,
    newOrder: `${base}/new-order`,
    revokeCert: `${base}/revoke`,
    keyChange: `${base}/key-change`,
    meta: { termsOfService: `${base}/terms` },
  };
}

function viewOf(kind: string, id: string, order: Order, base: string) {
  const { status, names, token, certificate } = order;
  const checked = status === 'ready' ? 'valid' : status;
  const challenge = { type: 'http-01', status: checked, url: `${base}/challenge/${id}`, token };
  if (kind === 'challenge') return challenge;
  if (kind === 'authorization')
    return { status: checked, identifier: { type: 'dns', value: names[0] }, challenges: [challenge] };
  return {
    status,
    identifiers: names.map((value) => ({ type: 'dns', value })),
    authorizations: [`${base}/authorization/${id}`],
    finalize: `${base}/finalize/${id}`,
    ...(certificate === null ? {} : { certificate: `${base}/certificate/${id}` }),
  };
}

/** What the server of a name answers to a challenge; nothing when it does not. */
async function fetchFrom(address: string, { names, token }: Order): Promise<string> {
  const path = `/.well-known/acme-challenge/${token}`;
  const sent = request({ host: address, port: 80, path, headers: { host: names[0] ?? '' }, timeout: FETCH_MS });
  sent.once('timeout', () => sent.destroy());
  sent.end();
  try {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return response.statusCode === 200 ? await textOf(response) : '';
  } catch (error) {
    if (error instanceof Error) return '';
    throw error;
  }
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of incoming) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.statusCode = status;
  if (body === null) {
    response.end();
    return;
  }
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
