/** Readings that need the server's network: requests to its own ports, name servers and time servers. From whatever network this process is in. */
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { Clock } from '@countersign/protocol';
import { z } from 'zod';
import { askNames } from './dns-query.ts';
import { askTimes } from './ntp-query.ts';
import { servedOnce } from './probe-tls.ts';

export const httpAnswerSchema = z.object({
  status: z.int(),
  ms: z.number(),
  error: z.string().nullable(),
  /** The first bytes of the answer as text, where they were asked for. */
  body: z.string().optional(),
});
export type HttpAnswer = z.infer<typeof httpAnswerSchema>;
export const tcpAnswerSchema = z.object({ open: z.boolean(), ms: z.number() });
export type TcpAnswer = z.infer<typeof tcpAnswerSchema>;

/** For a probe at most. */
export const PROBE_MS = 8000;
/** Of an answer whose text is asked for. */
const BODY_BYTES = 4096;

/** The status of one GET, and with `body` the beginning of its text. 0 and an error when there was no answer. Redirects are not followed, certificates not judged. */
export function requestOnce(
  url: string,
  host: string | undefined,
  clock: Clock,
  signal?: AbortSignal,
  body = false,
): Promise<HttpAnswer> {
  const begun = clock.monotonic();
  const secure = url.startsWith('https:');
  const headers = { 'user-agent': 'countersign-probe', accept: '*/*', ...(host === undefined ? {} : { host }) };
  const options = { headers, timeout: PROBE_MS, agent: false as const, ...(signal ? { signal } : {}) };
  return new Promise((resolve) => {
    const answer = (status: number, error: string | null) =>
      resolve({ status, ms: Math.round(clock.monotonic() - begun), error });
    const sent = secure
      ? requestHttps(url, {
          ...options,
          rejectUnauthorized: false,
          ...(host === undefined ? {} : { servername: host }),
        })
      : requestHttp(url, options);
    sent.once('response', (response) => {
      const status = response.statusCode ?? 0;
      if (body) {
        const text = textOf(response);
        void text.then((read) =>
          resolve({ status, ms: Math.round(clock.monotonic() - begun), error: null, body: read }),
        );
        return;
      }
      answer(status, null);
      response.destroy();
    });
    sent.once('timeout', () => sent.destroy(new Error(`no answer within ${PROBE_MS / 1000} s`)));
    sent.once('error', (error) => answer(0, reasonOf(error)));
    sent.end();
  });
}

/** Whether 127.0.0.1 or ::1, or one other address, accepts a connection on a port. */
export async function connectOnce(
  port: number,
  clock: Clock,
  signal?: AbortSignal,
  hosts: readonly string[] = ['127.0.0.1', '::1'],
): Promise<TcpAnswer> {
  const begun = clock.monotonic();
  for (const host of hosts)
    if (await accepts(host, port, signal)) return { open: true, ms: Math.round(clock.monotonic() - begun) };
  return { open: false, ms: Math.round(clock.monotonic() - begun) };
}

/**
 * What `countersign-agent probe http URL [HOST]`, `probe body URL`, `probe tcp PORT [ADDRESS]`, `probe tls PORT NAME`, `probe dns SERVERS NAMES` and
 * `probe ntp SERVERS` print: the answer as one line of JSON. Lists have commas. Throws `RangeError` for other words.
 */
export async function probeFromWords(words: readonly string[], clock: Clock): Promise<string> {
  const [kind, target = '', host] = words;
  if (kind === 'body') return JSON.stringify(await requestOnce(target, host, clock, undefined, true));
  if (kind === 'http') return JSON.stringify(await requestOnce(target, host, clock));
  if (kind === 'tcp' && /^\d{1,5}$/.test(target))
    return JSON.stringify(await connectOnce(Number(target), clock, undefined, host === undefined ? undefined : [host]));
  if (kind === 'tls' && /^\d{1,5}$/.test(target) && host !== undefined)
    return JSON.stringify(await servedOnce(Number(target), host));
  if (kind === 'dns' && host !== undefined)
    return JSON.stringify(await askNames(target.split(','), host.split(','), clock));
  if (kind === 'ntp') return JSON.stringify(await askTimes(target.split(','), clock));
  throw new RangeError(
    'usage: probe http URL [HOST] | body URL | tcp PORT [ADDRESS] | tls PORT NAME | dns SERVERS NAMES | ntp SERVERS',
  );
}

function accepts(host: string, port: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: PROBE_MS / 2 });
    const done = (open: boolean) => {
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(open);
    };
    const onAbort = () => done(false);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}

/** The beginning of an answer. What breaks off gives what came until then. */
async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of response) {
      pieces.push(piece as Buffer);
      bytes += (piece as Buffer).length;
      if (bytes >= BODY_BYTES) break;
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
  return Buffer.concat(pieces).subarray(0, BODY_BYTES).toString('utf8');
}

function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message.slice(0, 200);
}
