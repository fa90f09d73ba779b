/** One question to one name server over UDP, from whatever network this process is in. Sources: RFC 1035, RFC 3596. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '@countersign/protocol';
import { z } from 'zod';

export const dnsAnswerSchema = z.object({
  server: z.string(),
  name: z.string(),
  /** 0 no error, 2 the server failed, 3 no such name, 5 refused; `null` when there was no answer. RFC 1035, 4.1.1. */
  rcode: z.int().nullable(),
  addresses: z.array(z.string()),
  ms: z.number(),
  error: z.string().nullable(),
});
export type DnsAnswer = z.infer<typeof dnsAnswerSchema>;
export const dnsAnswersSchema = z.array(dnsAnswerSchema);

const PORT = 53;
/** A question is asked again after this long, as resolvers do. */
const AGAIN_MS = 1200;
const GIVE_UP_MS = 3500;
const TYPE_A = 1;
const TYPE_AAAA = 28;

/** Asks every server for every name at once, IPv4 addresses. Never rejects for what a server does. */
export function askNames(
  servers: readonly string[],
  names: readonly string[],
  clock: Clock,
  port = PORT,
): Promise<DnsAnswer[]> {
  const asked = servers.flatMap((server) => names.map((name) => ({ server, name })));
  return Promise.all(asked.map(({ server, name }, index) => askName(server, name, { id: index + 1, clock, port })));
}

interface Asking {
  /** Which answer belongs to which question. The socket is connected, so others cannot answer. */
  readonly id: number;
  readonly clock: Clock;
  readonly port: number;
}

function askName(server: string, name: string, { id, clock, port }: Asking): Promise<DnsAnswer> {
  const begun = clock.monotonic();
  const socket = createSocket(isIPv6(server) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    let isOver = false;
    const end = (found: Pick<DnsAnswer, 'rcode' | 'addresses' | 'error'>) => {
      if (isOver) return;
      isOver = true;
      cancelAgain();
      cancelEnd();
      socket.close();
      resolve({ server, name, ms: Math.round(clock.monotonic() - begun), ...found });
    };
    const fail = (error: string) => end({ rcode: null, addresses: [], error });
    const question = encodeQuestion(id, name);
    const cancelAgain = clock.after(AGAIN_MS, () => socket.send(question));
    const cancelEnd = clock.after(GIVE_UP_MS, () => fail(`no answer within ${GIVE_UP_MS / 1000} s`));
    socket.on('error', (error) => fail('code' in error ? String(error.code) : error.message.slice(0, 200)));
    socket.on('message', (message) => {
      const answer = decodeAnswer(message, id);
      if (answer !== null) end({ ...answer, error: null });
    });
    socket.connect(port, server, (error?: Error) => {
      if (error === undefined || error === null) socket.send(question);
    });
  });
}

/** A question for the IPv4 addresses of a name, with recursion desired. */
export function encodeQuestion(id: number, name: string): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2);
  head.writeUInt16BE(1, 4);
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, TYPE_A, 0, 1])]);
}

/** What an answer says; `null` for what is none to this question, or is cut off in the middle. */
export function decodeAnswer(message: Buffer, id: number): (Pick<DnsAnswer, 'addresses'> & { rcode: number }) | null {
  try {
    if (message.readUInt16BE(0) !== id || (message.readUInt8(2) & 0x80) === 0) return null;
    const rcode = message.readUInt8(3) & 0x0f;
    let at = 12;
    for (let left = message.readUInt16BE(4); left > 0; left -= 1) at = afterName(message, at) + 4;
    const addresses: string[] = [];
    for (let left = message.readUInt16BE(6); left > 0; left -= 1) {
      at = afterName(message, at);
      const [type, length] = [message.readUInt16BE(at), message.readUInt16BE(at + 8)];
      const data = message.subarray(at + 10, at + 10 + length);
      if (type === TYPE_A && data.length === 4) addresses.push([...data].join('.'));
      if (type === TYPE_AAAA && data.length === 16)
        addresses.push((data.toString('hex').match(/.{4}/g) ?? []).join(':'));
      at += 10 + length;
    }
    return { rcode, addresses: addresses.slice(0, 20) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** Where a name ends: at a zero, or behind a pointer to another place. */
function afterName(message: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const length = message.readUInt8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    at += length + 1;
  }
}
