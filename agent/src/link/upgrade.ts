/**
 * Makes a WebSocket of a byte stream: one request, and the head of its answer. By hand, since node:http takes a tenth of the time in
 * which a link is connected, for this alone. Source: RFC 6455, sections 1.3 and 4.1; RFC 9112, sections 2 to 5.
 */
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Ids } from '@countersign/protocol';
import { credentialIn } from './connect-socket.ts';

/** As much as node:http takes. */
const HEAD_BYTES_MAX = 16 * 1024;
const END = '\r\n\r\n';
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const SWITCHED = 101;

export interface UpgradeOptions {
  readonly ids: Pick<Ids, 'secret'>;
  /** So long the other side may be silent, milliseconds. */
  readonly silentMs: number;
  readonly signal: AbortSignal;
}

/** What was answered to the request. */
export interface Answer {
  readonly statusCode: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** The other side answered, and will not speak as a WebSocket. */
export class NotUpgraded extends Error {
  override readonly name = 'NotUpgraded';
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`it answered ${answer.statusCode}`);
    this.answer = answer;
  }
}

/**
 * Asks for the upgrade. Resolves with the bytes that came behind the answer; the stream is paused then. Rejects with
 * {@link NotUpgraded} or an error that says what was wrong; what becomes of the stream is for the caller.
 */
export async function upgrade(socket: Socket, url: URL, options: UpgradeOptions): Promise<Buffer> {
  const key = Buffer.from(options.ids.secret(''), 'base64url').subarray(0, 16).toString('base64');
  const credential = credentialIn(url); // for a gate in front of the control plane
  const answered = headOf(socket, options);
  socket.write(
    `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      (credential === null ? '' : `Authorization: ${credential}\r\n`) +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}${END}`,
  );
  const { head, rest } = await answered;
  const answer = readAnswer(head);
  if (answer === null) throw new Error('what it answered is not HTTP');
  if (answer.statusCode !== SWITCHED) throw new NotUpgraded(answer);
  const problem = problemWith(answer, key);
  if (problem !== null) throw new Error(problem);
  return rest;
}

/** Reads up to the empty line, and not further. */
function headOf(socket: Socket, { silentMs, signal }: UpgradeOptions): Promise<{ head: string; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let read = Buffer.alloc(0);
    const onData = (bytes: Buffer) => {
      read = Buffer.concat([read, bytes]);
      const end = read.indexOf(END);
      if (end > HEAD_BYTES_MAX || (end < 0 && read.length > HEAD_BYTES_MAX)) fail(new Error('its answer has no end'));
      if (end < 0) return;
      settle();
      socket.pause();
      resolve({ head: read.toString('latin1', 0, end), rest: read.subarray(end + END.length) });
    };
    const onClose = () => fail(new Error('it closed the connection'));
    const onTimeout = () => fail(new Error('it does not answer'));
    const onAbort = () => fail(new Error('called off'));
    const settle = () => {
      socket.off('data', onData).off('close', onClose).off('end', onClose).off('timeout', onTimeout).off('error', fail);
      socket.setTimeout(0);
      signal.removeEventListener('abort', onAbort);
    };
    const fail = (error: Error) => {
      settle();
      reject(error);
    };
    if (signal.aborted) return reject(new Error('called off'));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setTimeout(silentMs);
    socket.on('data', onData).on('close', onClose).on('end', onClose).on('timeout', onTimeout).on('error', fail);
  });
}

/** `null` when it is no answer of HTTP. A name that comes twice has both values, which fits nothing that is asked for. */
export function readAnswer(head: string): Answer | null {
  const [first = '', ...lines] = head.split('\r\n');
  const statusCode = Number(/^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1]);
  if (Number.isNaN(statusCode)) return null;
  const headers: Record<string, string | undefined> = Object.create(null);
  for (const line of lines) {
    // Blanks are not for the pattern to find: with three repetitions side by side it took hours for a line of nothing else.
    const [, name, padded] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\n\0]*)$/.exec(line) ?? [];
    if (name === undefined || padded === undefined) return null;
    const value = padded.trim();
    const known = headers[name.toLowerCase()];
    headers[name.toLowerCase()] = known === undefined ? value : `${known}, ${value}`;
  }
  return { statusCode, headers };
}

function problemWith({ headers }: Answer, key: string): string | null {
  const accept = createHash('sha1').update(`${key}${GUID}`).digest('base64');
  if (headers.upgrade?.toLowerCase() !== 'websocket') return 'it did not switch to a WebSocket';
  if (!/(^|,)[ \t]*upgrade[ \t]*(,|$)/i.test(headers.connection ?? '')) return 'it did not switch this connection';
  if (headers['sec-websocket-accept'] !== accept) return 'it did not answer this request';
  const more = headers['sec-websocket-extensions'] ?? headers['sec-websocket-protocol'];
  return more === undefined ? null : 'it speaks in a way that nobody asked for';
}
