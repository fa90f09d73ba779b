/** One question for the time to one server, which tells how far this clock is off. Nothing is set. Source: RFC 5905, 7.3, 8 and 14. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';
import type { Clock } from '@countersign/protocol';
import { z } from 'zod';

export const ntpAnswerSchema = z.object({
  server: z.string(),
  /** How far the server's clock is ahead of this one, milliseconds; `null` when it did not tell. */
  offset_ms: z.number().nullable(),
  /** 1 to 15; 0 and 16 have no time themselves. */
  stratum: z.int().nullable(),
  error: z.string().nullable(),
});
export type NtpAnswer = z.infer<typeof ntpAnswerSchema>;
export const ntpAnswersSchema = z.array(ntpAnswerSchema);

type Told = Omit<NtpAnswer, 'server'>;

/** What one answer tells, and how long question and answer were under way, milliseconds. */
export interface TimeSample {
  readonly told: Told;
  readonly trip_ms: number;
}

const PORT = 123;
/** For all questions to one server. */
const GIVE_UP_MS = 2500;
/** An offset is uncertain by half of its trip: after one that took longer, it is asked again, and the shortest counts (RFC 5905, 10). */
const LONG_TRIP_MS = 100;
const QUESTIONS = 4;
const PACKET_BYTES = 48;
/** Between 1900, where NTP begins, and 1970, seconds. */
const ERA_S = 2_208_988_800;
const UNSYNCHRONISED = 3;

/** Asks every server at once. Never rejects for what a server does. */
export function askTimes(servers: readonly string[], clock: Clock, port = PORT): Promise<NtpAnswer[]> {
  return Promise.all(servers.map((server) => askTime(server, clock, port)));
}

async function askTime(server: string, clock: Clock, port: number): Promise<NtpAnswer> {
  try {
    const { address } = await lookup(server);
    const until = clock.monotonic() + GIVE_UP_MS;
    let best = await exchange(address, clock, port, GIVE_UP_MS);
    for (let asked = 1; asked < QUESTIONS && best.trip_ms > LONG_TRIP_MS; asked += 1) {
      const left = until - clock.monotonic();
      if (left <= 0) break;
      const next = await exchange(address, clock, port, left);
      // It may be one that asks to be asked less (stratum 0, RFC 5905, 7.4).
      if (next.told.error !== null) break;
      if (next.trip_ms < best.trip_ms) best = next;
    }
    return { server, ...best.told };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const code = 'code' in error ? String(error.code) : error.message;
    return { server, offset_ms: null, stratum: null, error: code.slice(0, 200) };
  }
}

function exchange(address: string, clock: Clock, port: number, withinMs: number): Promise<TimeSample> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise((resolve) => {
    let isOver = false;
    const end = (found: TimeSample) => {
      if (isOver) return;
      isOver = true;
      cancelEnd();
      socket.close();
      resolve(found);
    };
    const fail = (error: string) => end({ told: { offset_ms: null, stratum: null, error }, trip_ms: 0 });
    const cancelEnd = clock.after(withinMs, () => fail(`no answer within ${GIVE_UP_MS / 1000} s`));
    let sentAt = 0;
    socket.on('error', (error) => fail('code' in error ? String(error.code) : error.message.slice(0, 200)));
    socket.on('message', (message) => {
      const answer = decodeTime(message, sentAt, clock.now());
      if (answer !== null) end(answer);
    });
    socket.connect(port, address, (error?: Error) => {
      if (error !== undefined && error !== null) return;
      const question = Buffer.alloc(PACKET_BYTES);
      question.writeUInt8(0x23, 0); // version 4, client
      sentAt = clock.now();
      writeTime(question, sentAt, 40);
      socket.send(question);
    });
  });
}

/** What an answer tells, when it belongs to the question sent at `sentAt`. Times in milliseconds since 1970. */
export function decodeTime(message: Buffer, sentAt: number, receivedAt: number): TimeSample | null {
  if (message.length < PACKET_BYTES || (message.readUInt8(0) & 0x07) !== 4) return null;
  if (Math.abs(readTime(message, 24) - sentAt) > 1) return null;
  const stratum = message.readUInt8(1);
  const isUnsynchronised = message.readUInt8(0) >> 6 === UNSYNCHRONISED || stratum === 0 || stratum > 15;
  if (isUnsynchronised) return { told: { offset_ms: null, stratum, error: 'it has no time itself' }, trip_ms: 0 };
  const [takenAt, answeredAt] = [readTime(message, 32), readTime(message, 40)];
  const offset = (takenAt - sentAt + (answeredAt - receivedAt)) / 2;
  const trip_ms = receivedAt - sentAt - (answeredAt - takenAt);
  return { told: { offset_ms: Math.round(offset * 10) / 10, stratum, error: null }, trip_ms };
}

/** A time stamp of NTP: seconds since 1900 and their fraction in 2⁻³² seconds. */
export function writeTime(packet: Buffer, ms: number, at: number): void {
  const seconds = Math.floor(ms / 1000);
  packet.writeUInt32BE((seconds + ERA_S) % 2 ** 32, at);
  packet.writeUInt32BE(Math.floor(((ms - seconds * 1000) / 1000) * 2 ** 32), at + 4);
}

function readTime(packet: Buffer, at: number): number {
  const seconds = packet.readUInt32BE(at);
  // Since February 2036 the seconds begin anew.
  const era = seconds < 2 ** 31 ? 2 ** 32 : 0;
  return (seconds + era - ERA_S) * 1000 + (packet.readUInt32BE(at + 4) / 2 ** 32) * 1000;
}
