/**
 * The table of nftables in which addresses are blocked for a while, apart from all other rules: it drops what comes from them and
 * lets everything else pass. The kernel forgets an address by itself when its time is over. Source: nft(8), SETS.
 */
import { fault } from '@countersign/protocol';
import { z } from 'zod';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';
import { overlap, parseRange, type Range } from '../network/ranges.ts';

export const TABLE = 'countersign';

const CALL = { timeoutMs: 15_000, hostNetwork: true } as const;

export const setOf = ({ family }: Pick<Range, 'family'>) => (family === 4 ? 'ban4' : 'ban6');

/** Makes the table, or leaves it as it is, and blocks an address, in one word of nft: all of it happens, or nothing. */
export function banArgv(address: string, range: Range, seconds: number): string[] {
  const commands = [
    `add table inet ${TABLE}`,
    `add set inet ${TABLE} ban4 { type ipv4_addr; flags interval, timeout; }`,
    `add set inet ${TABLE} ban6 { type ipv6_addr; flags interval, timeout; }`,
    `add chain inet ${TABLE} input { type filter hook input priority -150; policy accept; }`,
    `flush chain inet ${TABLE} input`,
    `add rule inet ${TABLE} input ip saddr @ban4 drop`,
    `add rule inet ${TABLE} input ip6 saddr @ban6 drop`,
    `add element inet ${TABLE} ${setOf(range)} { ${address} timeout ${seconds}s }`,
  ];
  return ['nft', commands.join('; ')];
}

/** The argv that lets an address in again. */
export function unbanArgv(address: string, range: Range): string[] {
  return ['nft', 'delete', 'element', 'inet', TABLE, setOf(range), `{ ${address} }`];
}

/** Why nft would not do it; `null` when it would. */
export async function whyNotTaken(
  context: ObserveContext,
  [nft = '', ...words]: readonly string[],
): Promise<string | null> {
  const done = await context.exec({ argv: [nft, '--check', ...words], ...CALL, signal: context.signal });
  if (done.notStarted !== null || done.exitCode === 127) return 'nft is not installed on the server (package nftables)';
  return done.exitCode === 0 ? null : (done.stderr.trim().split('\n')[0] ?? '').slice(0, 300) || 'nft refuses';
}

/** The blocked range that an address has a part of, or `null`. Throws `capability_failed` when nft does not tell. */
export async function banOf(context: ObserveContext, range: Range): Promise<string | null> {
  const argv = ['nft', '--json', 'list', 'set', 'inet', TABLE, setOf(range)];
  const done = await context.exec({ argv, ...CALL, signal: context.signal });
  if (done.exitCode !== 0 && /No such file or directory/.test(done.stderr)) return null;
  const parsed = done.exitCode === 0 ? parseBans(done.stdout) : null;
  if (parsed === null)
    throw fault('capability_failed', { capability: 'nft', reason: 'it does not tell what is blocked' });
  return parsed.find((text) => isPart(text, range)) ?? null;
}

function isPart(text: string, range: Range): boolean {
  const blocked = parseRange(text);
  return blocked !== null && overlap(blocked, range);
}

const setSchema = z.object({
  nftables: z.array(z.object({ set: z.object({ elem: z.array(z.unknown()).optional() }).optional() })),
});
const prefixSchema = z.object({ prefix: z.object({ addr: z.string(), len: z.int() }) });
const elementSchema = z.object({ elem: z.object({ val: z.unknown() }) });

/** Addresses and ranges of `nft -j list set`; `null` when it is something else. Source: libnftables-json(5). */
export function parseBans(text: string): string[] | null {
  const parsed = setSchema.safeParse(parsedJson(text));
  if (!parsed.success) return null;
  return parsed.data.nftables.flatMap(({ set }) =>
    (set?.elem ?? []).flatMap((each) => {
      const value = elementSchema.safeParse(each).data?.elem.val ?? each;
      const prefix = prefixSchema.safeParse(value).data?.prefix;
      if (prefix !== undefined) return [`${prefix.addr}/${prefix.len}`];
      return typeof value === 'string' ? [value] : [];
    }),
  );
}
