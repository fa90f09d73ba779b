/** Who is who in a simulated fleet: names, keys and roles follow from a number, so that every process knows them without being told. */
import { sha256 } from '@countersign/protocol/digest';
import { publicKeyOf, type SigningKey } from '@countersign/protocol/signing';

/**
 * `steady`: ordinary, but not cut off when all links are cut, so that it can be seen what a storm costs others. `silent` reads
 * nothing after its welcome, `trickling` a little each second. The rest floods: with too many frames, with frames that are too large or
 * malformed, with reports on actions that are not its own.
 */
export const troubles = [
  'silent',
  'trickling',
  'many_frames',
  'large_frames',
  'malformed_frames',
  'foreign_reports',
] as const;
export type Trouble = (typeof troubles)[number];
export type Role = 'steady' | 'ordinary' | Trouble;

/** The smallest fleet in which every role is there. */
export const SERVERS_MIN = 20;
const SERVERS_PER_STEADY = 100;
const STEADY_MIN = 4;
const STEADY_MAX = 40;
const SERVERS_PER_TROUBLE = 5000;

/** How many are steady: the first ones. */
export function steadyCount(servers: number): number {
  return Math.min(STEADY_MAX, Math.max(STEADY_MIN, Math.floor(servers / SERVERS_PER_STEADY)));
}

/** How many behave: the steady and the ordinary ones, which come before all others. */
export function goodCount(servers: number): number {
  return servers - troubles.length * Math.max(1, Math.floor(servers / SERVERS_PER_TROUBLE));
}

/** The role of the n-th server, counted from 0, in a fleet of so many. */
export function roleOf(n: number, servers: number): Role {
  if (n < steadyCount(servers)) return 'steady';
  const good = goodCount(servers);
  return n < good ? 'ordinary' : (troubles[(n - good) % troubles.length] ?? 'ordinary');
}

export const nameOf = (n: number): string => `load-${String(n).padStart(5, '0')}`;

/** The key of the n-th agent. Worth nothing outside of a run: anybody can make it. */
export function keyOf(n: number): SigningKey {
  const seed = Buffer.from(sha256(`countersign load agent ${n}`), 'hex').toString('base64url');
  return { publicKey: publicKeyOf(seed), seed };
}
