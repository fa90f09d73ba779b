/** Opens the WebSocket to the control plane. The only file of the agent that knows ws. */
import { FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/frame';
import { WebSocket } from 'ws';
import { CannotConnect, connectSocket, type SocketOptions } from './connect-socket.ts';
import { comeBackAfter } from './retry-after.ts';

/** A connection as the rest of the link sees it: text frames, signs of life, an end. */
export interface Wire {
  readonly isOpen: boolean;
  /** Bytes that wait to be sent. */
  readonly waiting: number;
  /** Sends a text frame. `sent` is called when it was handed to the system; never when the connection ended before. */
  send(frame: string, sent?: () => void): void;
  /** Asks the other side for a sign of life. */
  ping(): void;
  /** Says goodbye. */
  close(code: number, reason: string): void;
  /** Ends it at once: nobody answers there. */
  cut(): void;
  /** Sets who listens. With `null` what comes is held until somebody listens again. */
  listen(listener: WireListener | null): void;
}

export interface WireListener {
  readonly onFrame: (frame: string) => void;
  /** Anything came: a frame, a ping or a pong. */
  readonly onLife: () => void;
  /** Once, at the end. `why` is for the log. */
  readonly onClose: (why: string) => void;
}

export type Dial = (signal: AbortSignal) => Promise<Wire>;

const UPGRADE_MS = 15_000;
const REASON_BYTES = 123;

/** Makes a function that dials. It rejects with `CannotConnect`. */
export function dialer(options: Omit<SocketOptions, 'signal' | 'url'> & { readonly url: string }): Dial {
  const url = new URL('/agent', options.url);
  return async (signal) => {
    const socket = await connectSocket({ ...options, url, signal });
    const ws = new WebSocket(url.href.replace(/^http/, 'ws'), {
      createConnection: () => socket as never,
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES_MAX,
      handshakeTimeout: UPGRADE_MS,
      followRedirects: false,
      generateMask: unmasked,
    });
    const wire = new SocketWire(ws);
    await opened(ws, url, signal);
    return wire;
  };
}

/**
 * The mask of zeros: frames go as they are. Masks keep a script in a browser from making bytes that a proxy on the way takes for something
 * else; here nobody on the way sees any, since we speak TLS to all but this machine itself (`settings.ts`). To mask 1 MB took this
 * process 20 ms, and the other side a few. Source: RFC 6455, sections 5.3 and 10.3.
 */
function unmasked(mask: Buffer): void {
  mask.fill(0);
}

function opened(ws: WebSocket, url: URL, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => ws.terminate();
    signal.addEventListener('abort', onAbort, { once: true });
    const fail = (why: string) => reject(new CannotConnect(`${url.origin} does not speak with agents: ${why}`));
    const busy = (comeBackMs: number) =>
      reject(new CannotConnect(`${url.origin} has too many agents coming back at once`, { comeBackMs }));
    ws.once('open', () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    ws.once('unexpected-response', (_, response) => {
      const comeBackMs = comeBackAfter(response);
      if (comeBackMs === null) fail(`it answered ${response.statusCode}`);
      else busy(comeBackMs);
      ws.terminate();
    });
    ws.once('close', (code) => fail(signal.aborted ? 'called off' : `closed with ${code}`));
    ws.on('error', (error) => fail(error.message));
  });
}

class SocketWire implements Wire {
  readonly #ws: WebSocket;
  #listener: WireListener | null = null;
  #held: string[] = [];
  #ended: string | undefined;
  #problem = '';

  constructor(ws: WebSocket) {
    this.#ws = ws;
    ws.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.close(1003, 'frames are JSON text');
      else this.#frame(data.toString('utf8'));
    });
    ws.on('ping', () => this.#listener?.onLife());
    ws.on('pong', () => this.#listener?.onLife());
    ws.on('error', (error) => {
      this.#problem = error.message;
    });
    ws.on('close', (code, reason) => {
      this.#ended = [`closed with ${code}`, reason.toString('utf8'), this.#problem]
        .filter((part) => part !== '')
        .join(': ');
      this.#listener?.onClose(this.#ended);
    });
  }

  get isOpen(): boolean {
    return this.#ws.readyState === WebSocket.OPEN;
  }

  get waiting(): number {
    return this.#ws.bufferedAmount;
  }

  send(frame: string, sent?: () => void): void {
    if (!this.isOpen) return;
    this.#ws.send(frame, (error) => {
      if (!error) sent?.();
    });
  }

  ping(): void {
    if (this.isOpen) this.#ws.ping();
  }

  close(code: number, reason: string): void {
    this.#ws.close(
      code,
      Buffer.from(reason)
        .subarray(0, REASON_BYTES)
        .toString('utf8')
        .replace(/\ufffd+$/, ''),
    );
  }

  cut(): void {
    this.#ws.terminate();
  }

  listen(listener: WireListener | null): void {
    this.#listener = listener;
    while (this.#listener !== null && this.#held.length > 0) this.#listener.onFrame(this.#held.shift() ?? '');
    if (this.#ended !== undefined) this.#listener?.onClose(this.#ended);
  }

  #frame(frame: string): void {
    if (!this.isOpen) return;
    if (this.#listener === null) {
      this.#held.push(frame);
      return;
    }
    this.#listener.onLife();
    this.#listener.onFrame(frame);
  }
}
