/** Ranges of addresses, and whether two have one in common. Source: RFC 4632, RFC 4291. */
import { isIP, isIPv4 } from 'node:net';

export interface Range {
  readonly family: 4 | 6;
  /** The first address, as a number. */
  readonly first: bigint;
  readonly last: bigint;
}

/** `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/64`; `null` for what is none. An IPv4 address inside IPv6 counts as IPv4. */
export function parseRange(text: string): Range | null {
  const [given = '', length, ...more] = text.split('/');
  const address = given.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '').replace(/%.*$/, '');
  if (isIP(address) === 0 || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return null;
  const family = isIPv4(address) ? 4 : 6;
  const bits = family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return null;
  const size = 1n << BigInt(bits - prefix);
  const value = family === 4 ? numberOf4(address) : numberOf6(address);
  const first = value - (value % size);
  return { family, first, last: first + size - 1n };
}

/** Whether two ranges have an address in common. */
export function overlap(one: Range, other: Range): boolean {
  return one.family === other.family && one.first <= other.last && other.first <= one.last;
}

/** How many addresses a range has. */
export const sizeOf = ({ first, last }: Range): bigint => last - first + 1n;

function numberOf4(address: string): bigint {
  return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
}

function numberOf6(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const tail = dotted === null ? 0n : numberOf4(dotted[2] ?? '0.0.0.0');
  const text = dotted === null ? address : `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`;
  const [head = '', rest] = text.split('::');
  const groups = (part: string) => part.split(':').filter((group) => group !== '');
  const [before, after] = [groups(head), groups(rest ?? '')];
  const zeros = rest === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}
