/** Lines of JSON over a stream pair: how link and runner talk, whether by a unix socket or by a child's pipes. */
import type { Readable, Writable } from 'node:stream';
import { FRAME_BYTES_MAX } from '@countersign/protocol/agent-wire/frame';

/** The longest line. A grant comes in a frame; on its way here it gains a few members. */
export const LINE_BYTES_MAX = 2 * FRAME_BYTES_MAX;

export interface ChannelEvents {
  /** One line, without its end. */
  readonly onLine: (line: string) => void;
  /** Once: nothing comes any more. `error` when it was not a plain end. */
  readonly onClose: (error: Error | null) => void;
}

/** More than this waiting to be read by the other side means that it does not read: the channel is closed. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

export class Channel {
  readonly #output: Writable;
  readonly #input: Readable;
  readonly #events: ChannelEvents;
  readonly #lineMax: number;
  #parts: Buffer[] = [];
  #length = 0;
  #closed = false;

  /** A line longer than `lineMax` bytes closes the channel with an error: the other side is not one of ours. */
  constructor(input: Readable, output: Writable, lineMax: number, events: ChannelEvents) {
    this.#input = input;
    this.#output = output;
    this.#lineMax = lineMax;
    this.#events = events;
    input.on('data', (bytes: Buffer) => this.#take(bytes));
    input.on('end', () => this.#end(null));
    input.on('close', () => this.#end(null));
    input.on('error', (error) => this.#end(error));
    output.on('error', (error) => this.#end(error));
  }

  get open(): boolean {
    return !this.#closed;
  }

  /** Sends one message. What is sent on a closed channel is lost: whoever needs an answer waits for one, with a bound. */
  send(message: unknown): void {
    this.sendLine(JSON.stringify(message));
  }

  /** Sends one message that is JSON already. */
  sendLine(line: string): void {
    if (this.#closed) return;
    if (this.#output.writableLength > WAITING_BYTES_MAX) {
      this.#end(new Error('the other side does not read'));
      return;
    }
    this.#output.write(`${line}\n`);
  }

  /** Ends it after what was sent. */
  close(): void {
    this.#end(null);
  }

  #take(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0 && !this.#closed; end = bytes.indexOf(10, from)) {
      this.#parts.push(bytes.subarray(from, end));
      const line = Buffer.concat(this.#parts).toString('utf8');
      this.#parts = [];
      this.#length = 0;
      from = end + 1;
      this.#events.onLine(line);
    }
    if (this.#closed || from === bytes.length) return;
    this.#parts.push(bytes.subarray(from));
    this.#length += bytes.length - from;
    if (this.#length > this.#lineMax) this.#end(new Error(`a line has more than ${this.#lineMax} bytes`));
  }

  #end(error: Error | null): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parts = [];
    this.#output.end();
    if (error !== null) this.#input.destroy();
    this.#events.onClose(error);
  }
}
