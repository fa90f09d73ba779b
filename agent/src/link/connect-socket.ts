/**
 * The byte stream to the control plane: TCP, through an HTTP proxy where one is set, and TLS. With a pin the certificate's
 * key is what counts, whoever signed it; nothing is sent before it was compared.
 */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { ClientRequest } from 'node:http';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface SocketOptions {
  readonly url: URL;
  /** `sha256//…` over the SubjectPublicKeyInfo of the certificate. Source: curl(1), --pinnedpubkey; RFC 7469. */
  readonly tlsPin: string | null;
  /** PEM certificates to trust in place of the system's. */
  readonly ca: string | null;
  readonly proxy: string | null;
  readonly signal: AbortSignal;
}

/** Why a control plane cannot be reached, in words for the person at the server. */
export class CannotConnect extends Error {
  override readonly name = 'CannotConnect';
  /** When the control plane said to come back, milliseconds from now. */
  readonly comeBackMs: number | null;

  constructor(
    message: string,
    { comeBackMs = null, ...options }: { comeBackMs?: number | null; cause?: unknown } = {},
  ) {
    super(message, options);
    this.comeBackMs = comeBackMs;
  }
}

const KEEPALIVE_MS = 30_000;

/** Connects. Rejects with {@link CannotConnect}. */
export async function connectSocket(options: SocketOptions): Promise<Duplex> {
  const { url, signal } = options;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  try {
    const isTls = url.protocol === 'https:';
    // Plain http is for this machine only, and a proxy may be another one.
    const proxy = isTls ? options.proxy : null;
    const socket = proxy === null ? await direct(host, port, signal) : await tunnel(proxy, host, port, signal);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    return isTls ? await secure(socket, host, options) : socket;
  } catch (error) {
    if (error instanceof CannotConnect) throw error;
    throw new CannotConnect(`${url.origin} cannot be reached: ${why(error)}`, { cause: error });
  }
}

async function direct(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host, port });
  await settled(socket, 'connect', signal);
  return socket;
}

/** Asks an HTTP proxy for a tunnel. Source: RFC 9110, section 9.3.6. */
async function tunnel(proxy: string, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const { request } = await import('node:http');
  const { hostname, port: proxyPort, username, password } = new URL(proxy);
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const credential = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const asked = request({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: proxyPort || 80,
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...(username === '' ? {} : { 'proxy-authorization': `Basic ${credential}` }) },
    agent: false,
    signal,
  });
  asked.end();
  const [response, socket, head] = (await Promise.race([once(asked, 'connect'), refusalOf(asked)])) as [
    { statusCode?: number },
    Socket,
    Buffer,
  ];
  if (response.statusCode !== 200) {
    socket.destroy();
    throw new CannotConnect(`the proxy answered ${response.statusCode}`);
  }
  if (head.length > 0) socket.unshift(head);
  return socket;
}

/** A proxy that answers with a page instead of a tunnel. */
async function refusalOf(asked: ClientRequest): Promise<never> {
  const [response] = await once(asked, 'response');
  response.destroy();
  throw new CannotConnect(`the proxy answered ${response.statusCode}`);
}

async function secure(socket: Socket, host: string, options: SocketOptions): Promise<Duplex> {
  const { tlsPin, ca, signal } = options;
  const { connect } = await import('node:tls'); // megabytes, for those who speak TLS
  const secured = connect({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === null ? {} : { ca }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tlsPin === null,
  });
  await settled(secured, 'secureConnect', signal);
  if (tlsPin === null) return secured;
  const certificate = secured.getPeerX509Certificate();
  const spki = certificate?.publicKey.export({ type: 'spki', format: 'der' });
  const found = spki && `sha256//${createHash('sha256').update(spki).digest('base64')}`;
  if (found === tlsPin) return secured;
  secured.destroy();
  throw new CannotConnect(
    `the certificate at ${options.url.origin} has another key than the pinned one (${found ?? 'none'})`,
  );
}

async function settled(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
  try {
    await once(socket, event, { signal });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

function why(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(why).join('; ');
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' && !error.message.includes(error.code)
    ? `${error.message} (${error.code})`
    : error.message;
}
