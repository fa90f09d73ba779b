/**
 * Names of units that failed, asked of systemd over D-Bus, so that a link that starts no processes can tell. One short
 * conversation: authenticate, Hello, ListUnitsFiltered. Source: org.freedesktop.systemd1(5), D-Bus specification 0.43.
 */
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { type Clock, delay } from '@countersign/protocol';

const BUS = '/run/dbus/system_bus_socket';
const ANSWER_MS = 3000;
const REPLY_BYTES_MAX = 4 * 1024 * 1024;

/** The failed units; `null` where there is no systemd to ask, or it does not answer. */
export async function failedUnits(clock: Clock, bus = BUS): Promise<string[] | null> {
  if (!existsSync(bus)) return null; // cheaper than a socket that fails
  const socket = connect(bus);
  const late = new AbortController();
  try {
    const answer = converse(socket);
    const names = await Promise.race([answer, delay(clock, ANSWER_MS, late.signal).then(() => null)]);
    return names;
  } catch (error) {
    if (error instanceof Error) return null; // no bus, no systemd on it, or a refusal: nothing that a link could mend
    throw error;
  } finally {
    late.abort();
    socket.destroy();
  }
}

async function converse(socket: Socket): Promise<string[] | null> {
  const stream = new ByteStream(socket);
  const uid = Buffer.from(String(process.getuid?.() ?? 0)).toString('hex');
  socket.write(`\0AUTH EXTERNAL ${uid}\r\n`);
  if (!(await stream.line()).startsWith('OK ')) return null;
  socket.write('BEGIN\r\n');
  const bus = { path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus', destination: 'org.freedesktop.DBus' };
  socket.write(methodCall(1, { ...bus, member: 'Hello' }));
  const manager = {
    path: '/org/freedesktop/systemd1',
    interface: 'org.freedesktop.systemd1.Manager',
    destination: 'org.freedesktop.systemd1',
  };
  socket.write(methodCall(2, { ...manager, member: 'ListUnitsFiltered' }, ['failed']));
  for (;;) {
    const message = await readMessage(stream);
    if (message.replyTo !== 2) continue;
    return message.type === METHOD_RETURN ? unitNames(message.body) : null;
  }
}

const METHOD_CALL = 1;
const METHOD_RETURN = 2;
const FIELD = { path: 1, interface: 2, member: 3, replySerial: 5, destination: 6, signature: 8 } as const;

interface Call {
  readonly path: string;
  readonly interface: string;
  readonly destination: string;
  readonly member: string;
}

/** A method call whose only argument, if any, is an array of strings. */
function methodCall(serial: number, call: Call, strings?: readonly string[]): Buffer {
  const body = strings ? marshalStrings(strings) : Buffer.alloc(0);
  const fields = [
    field(FIELD.path, 'o', call.path),
    field(FIELD.interface, 's', call.interface),
    field(FIELD.member, 's', call.member),
    field(FIELD.destination, 's', call.destination),
    ...(strings ? [Buffer.from([FIELD.signature, 1, 0x67, 0, 2, 0x61, 0x73, 0])] : []),
  ];
  const array = fields.reduce((all, next) => Buffer.concat([pad(all, 8), next]), Buffer.alloc(0));
  const head = Buffer.alloc(16);
  head.set([0x6c, METHOD_CALL, 0, 1]);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(serial, 8);
  head.writeUInt32LE(array.length, 12);
  return Buffer.concat([pad(Buffer.concat([head, array]), 8), body]);
}

/** A header field: its code, the signature of its value, the value. All begin at a multiple of 8. */
function field(code: number, signature: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([code, 1, signature.charCodeAt(0), 0]), marshalString(value)]);
}

function marshalString(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes, Buffer.alloc(1)]);
}

function marshalStrings(strings: readonly string[]): Buffer {
  const items = strings.reduce((all, next) => Buffer.concat([pad(all, 4), marshalString(next)]), Buffer.alloc(0));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(items.length);
  return Buffer.concat([length, items]);
}

function pad(bytes: Buffer, to: number): Buffer {
  const missing = (to - (bytes.length % to)) % to;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}

async function readMessage(stream: ByteStream): Promise<{ type: number; replyTo: number | null; body: Buffer }> {
  const head = await stream.bytes(16);
  if (head[0] !== 0x6c) throw new RangeError('a message in big-endian order');
  const bodyLength = head.readUInt32LE(4);
  const fieldsLength = head.readUInt32LE(12);
  if (bodyLength + fieldsLength > REPLY_BYTES_MAX) throw new RangeError('too long an answer');
  const fields = await stream.bytes(Math.ceil(fieldsLength / 8) * 8);
  const body = await stream.bytes(bodyLength);
  return { type: head[1] ?? 0, replyTo: replySerial(fields.subarray(0, fieldsLength)), body };
}

/** The field that says which call a message answers. It is the only one whose value is a UINT32. */
function replySerial(fields: Buffer): number | null {
  const reader = new Reader(fields);
  while (reader.left > 0) {
    reader.align(8);
    const code = reader.byte();
    const signature = reader.signature();
    if (signature === 'u') {
      const value = reader.uint32();
      if (code === FIELD.replySerial) return value;
    } else if (signature === 'g') reader.signature();
    else reader.string();
  }
  return null;
}

/** First member of each element of `a(ssssssouso)`. */
function unitNames(body: Buffer): string[] {
  const reader = new Reader(body);
  const length = reader.uint32();
  reader.align(8);
  const end = reader.at + length;
  const names: string[] = [];
  while (reader.at < end) {
    reader.align(8);
    names.push(reader.string());
    for (let index = 0; index < 6; index += 1) reader.string(); // description, load, active, sub, following, path
    reader.uint32(); // job id
    reader.string(); // job type
    reader.string(); // job path
  }
  return names;
}

/** Reads little-endian D-Bus values. Throws `RangeError` beyond the end. */
class Reader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to;
  }

  byte(): number {
    this.at += 1;
    return this.#bytes.readUInt8(this.at - 1);
  }

  uint32(): number {
    this.align(4);
    this.at += 4;
    return this.#bytes.readUInt32LE(this.at - 4);
  }

  string(): string {
    return this.#text(this.uint32());
  }

  signature(): string {
    return this.#text(this.byte());
  }

  #text(length: number): string {
    if (length >= this.left) throw new RangeError('a string ends beyond its message');
    this.at += length + 1;
    return this.#bytes.toString('utf8', this.at - length - 1, this.at - 1);
  }
}

/** Waits for bytes of a socket. Rejects when it ends before they came. */
class ByteStream {
  #held: Buffer = Buffer.alloc(0);
  #waiting: { ready: () => boolean; wake: () => void; fail: (error: Error) => void } | undefined;
  #error: Error | undefined;

  constructor(socket: Socket) {
    socket.on('data', (bytes: Buffer) => {
      this.#held = Buffer.concat([this.#held, bytes]);
      if (this.#waiting?.ready()) this.#waiting.wake();
    });
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end(new Error('the bus hung up')));
  }

  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#held.length >= count);
    return this.#cut(count);
  }

  async line(): Promise<string> {
    await this.#until(() => this.#held.includes('\r\n'));
    return this.#cut(this.#held.indexOf('\r\n') + 2).toString('utf8');
  }

  #cut(count: number): Buffer {
    const taken = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return taken;
  }

  #until(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    if (this.#error) return Promise.reject(this.#error);
    return new Promise((wake, fail) => {
      this.#waiting = { ready, wake, fail };
    });
  }

  #end(error: Error): void {
    this.#error ??= error;
    this.#waiting?.fail(this.#error);
  }
}
