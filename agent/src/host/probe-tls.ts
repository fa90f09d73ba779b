/** What this machine serves by TLS, from whatever network this process is in. Nothing is judged here: whoever asked does. */
import { connect, type TLSSocket } from 'node:tls';
import { z } from 'zod';

const CONNECT_MS = 4000;
const CHAIN_MAX = 10;

export const tlsAnswerSchema = z.object({
  /** DER in base64, the server's own first; empty when nobody speaks TLS there. */
  chain: z.array(z.string().max(50_000)).max(CHAIN_MAX),
});
export type TlsAnswer = z.infer<typeof tlsAnswerSchema>;

/** The certificates that 127.0.0.1 or ::1 sends on a port to somebody who asks for a name. */
export async function servedOnce(port: number, name: string, signal?: AbortSignal): Promise<TlsAnswer> {
  for (const host of ['127.0.0.1', '::1']) {
    const chain = await chainOf(host, port, name, signal);
    if (chain.length > 0) return { chain };
  }
  return { chain: [] };
}

function chainOf(host: string, port: number, name: string, signal: AbortSignal | undefined): Promise<string[]> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, servername: name, rejectUnauthorized: false, timeout: CONNECT_MS });
    const done = (chain: string[]) => {
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(chain);
    };
    const onAbort = () => done([]);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('secureConnect', () => done(sent(socket)));
    socket.once('timeout', () => done([]));
    socket.once('error', () => done([]));
  });
}

/** Node links what was sent to its issuers; a certificate that signed itself is its own. */
function sent(socket: TLSSocket): string[] {
  const chain: string[] = [];
  let next = socket.getPeerCertificate(true);
  while (next?.raw !== undefined && chain.length < CHAIN_MAX) {
    chain.push(next.raw.toString('base64'));
    if (next.issuerCertificate === undefined || next.issuerCertificate === next) break;
    next = next.issuerCertificate;
  }
  return chain;
}
