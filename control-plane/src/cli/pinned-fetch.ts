/**
 * A `fetch` that trusts one public key and nothing else, for control planes whose certificate is home-made. The key is
 * checked before the first byte of a request goes out. Source: RFC 7469, section 2.4 (the form of the pin).
 */
import { createHash, X509Certificate } from 'node:crypto';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';

/** Makes it. `pin` has the form `sha256//<base64>`. Requests fail with `TypeError` as those of `fetch` do. */
export function pinnedFetch(pin: string): typeof fetch {
  return (async (input: string | URL | Request, init: RequestInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : String(input));
    try {
      const socket = await connectTo(url, pin);
      return await send(url, init, socket);
    } catch (error) {
      throw new TypeError('fetch failed', { cause: error });
    }
  }) as typeof fetch;
}

/** Opens a TLS connection to a host whose key fits the pin. */
function connectTo(url: URL, pin: string): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    // The issuer means nothing here, so that check is off; the pin below is the one that counts.
    const socket = connect(
      {
        host,
        port: Number(url.port || 443),
        servername: /^[\d.]+$|:/.test(host) ? '' : host,
        rejectUnauthorized: false,
      },
      () => {
        const found = pinOfPeer(socket);
        if (found === pin) resolve(socket);
        else socket.destroy(new Error(`the control plane at ${url.host} has the key ${found}, expected ${pin}`));
      },
    );
    socket.once('error', reject);
  });
}

function pinOfPeer(socket: TLSSocket): string {
  const { raw } = socket.getPeerCertificate();
  const spki = new X509Certificate(raw).publicKey.export({ format: 'der', type: 'spki' });
  return `sha256//${createHash('sha256').update(spki).digest('base64')}`;
}

function send(url: URL, init: RequestInit, socket: TLSSocket): Promise<Response> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        createConnection: () => socket,
        host: url.hostname,
        port: url.port || 443,
        path: `${url.pathname}${url.search}`,
        method: init.method ?? 'GET',
        headers: { host: url.host, connection: 'close', ...Object.fromEntries(new Headers(init.headers)) },
        ...(init.signal ? { signal: init.signal } : {}),
      },
      (response) => {
        const headers = Object.entries(response.headers).flatMap(([name, value]): [string, string][] =>
          value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
        );
        const status = response.statusCode ?? 500;
        const body = status === 204 || status === 304 ? null : (Readable.toWeb(response) as ReadableStream<Uint8Array>);
        resolve(new Response(body, { status, headers }));
      },
    );
    sent.once('error', reject);
    sent.end(typeof init.body === 'string' ? init.body : undefined);
  });
}
