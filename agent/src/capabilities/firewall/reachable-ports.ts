/**
 * Whether new connections from outside to a TCP port come through a set of nftables rules: told from the JSON that `nft -j`
 * prints, by walking its input chains. Simple on purpose: what depends on the sender or on a rate is `some`.
 * Sources: nft(8), libnftables-json(5).
 */
import { z } from 'zod';
import { parsedJson } from '../../host/parsed-json.ts';

/** `some`: for certain senders, or not for sure. */
export type Reach = 'open' | 'some' | 'closed';

const ruleSchema = z.object({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  expr: z.array(z.record(z.string(), z.json())).default([]),
});
const chainSchema = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  type: z.string().optional(),
  prio: z.int().optional(),
  policy: z.string().optional(),
});
const entrySchema = z.object({ chain: chainSchema.optional(), rule: ruleSchema.optional() });
const rulesetSchema = z.object({ nftables: z.array(z.record(z.string(), z.json())) });

type Chain = z.infer<typeof chainSchema>;
type Rule = z.infer<typeof ruleSchema>;
type Expression = Rule['expr'][number];

/** The chains and rules of a ruleset. */
export interface Rules {
  readonly chains: readonly Chain[];
  readonly rules: readonly Rule[];
}

/** Reads what `nft -j list ruleset` or `nft -j -e -f` prints; `null` when it is something else. */
export function parseRules(text: string): Rules | null {
  const parsed = rulesetSchema.safeParse(parsedJson(text));
  if (!parsed.success) return null;
  const entries = parsed.data.nftables.map((entry) => entrySchema.safeParse(entry.add ?? entry).data ?? {});
  return {
    chains: entries.flatMap(({ chain }) => chain ?? []),
    rules: entries.flatMap(({ rule }) => rule ?? []),
  };
}

/** How new connections over IPv4 to a TCP port come through. */
export function reachOf(rules: Rules, port: number): Reach {
  const bases = rules.chains
    .filter(({ hook, type, family }) => hook === 'input' && type !== 'nat' && (family === 'ip' || family === 'inet'))
    .sort((a, b) => (a.prio ?? 0) - (b.prio ?? 0));
  const reaches = bases.map((chain) => {
    const end = walk(rules, chain, port, 0);
    if (end.verdict === 'accept') return end.sure ? 'open' : 'some';
    if (end.verdict === 'drop') return end.maybe ? 'some' : 'closed';
    if (chain.policy !== 'drop') return 'open';
    return end.maybe ? 'some' : 'closed';
  });
  if (reaches.includes('closed')) return 'closed';
  return reaches.includes('some') ? 'some' : 'open';
}

interface End {
  /** `none`: the chain ended without a verdict. */
  readonly verdict: 'accept' | 'drop' | 'none';
  readonly sure: boolean;
  /** Whether a rule on the way lets somebody in. */
  readonly maybe: boolean;
}

const DEPTH_MAX = 16;

function walk(
  rules: Rules,
  { family, table, name }: Pick<Chain, 'family' | 'table' | 'name'>,
  port: number,
  depth: number,
): End {
  let maybe = false;
  if (depth > DEPTH_MAX) return { verdict: 'none', sure: false, maybe };
  const own = rules.rules.filter((rule) => rule.family === family && rule.table === table && rule.chain === name);
  for (const { expr } of own) {
    const applies = matchesOf(expr, port);
    if (applies === 'no') continue;
    const target = jumpOf(expr);
    const end: End =
      target === null
        ? { verdict: verdictOf(expr), sure: true, maybe: false }
        : walk(rules, { family, table, name: target }, port, depth + 1);
    if (end.maybe || (applies === 'maybe' && end.verdict === 'accept')) maybe = true;
    if (applies === 'yes' && end.verdict !== 'none') return { ...end, maybe };
    if (applies === 'yes' && expr.some((part) => 'return' in part)) break;
  }
  return { verdict: 'none', sure: true, maybe };
}

function verdictOf(expr: readonly Expression[]): End['verdict'] {
  if (expr.some((part) => 'accept' in part)) return 'accept';
  return expr.some((part) => 'drop' in part || 'reject' in part) ? 'drop' : 'none';
}

const jumpSchema = z.object({ target: z.string() });

function jumpOf(expr: readonly Expression[]): string | null {
  for (const part of expr) {
    const jump = jumpSchema.safeParse(part.jump ?? part.goto);
    if (jump.success) return jump.data.target;
  }
  return null;
}

type Matches = 'yes' | 'maybe' | 'no';

/** Whether a rule is for the first packet of a connection from outside to this port. */
function matchesOf(expr: readonly Expression[], port: number): Matches {
  let all: Matches = 'yes';
  for (const part of expr) {
    const found = 'match' in part ? matchOf(part.match, port) : 'limit' in part || 'vmap' in part ? 'maybe' : 'yes';
    if (found === 'no') return 'no';
    if (found === 'maybe') all = 'maybe';
  }
  return all;
}

const matchSchema = z.object({
  op: z.string(),
  left: z.object({
    payload: z.object({ protocol: z.string(), field: z.string() }).optional(),
    meta: z.object({ key: z.string() }).optional(),
    ct: z.object({ key: z.string() }).optional(),
  }),
  right: z.json(),
});

function matchOf(match: unknown, port: number): Matches {
  const parsed = matchSchema.safeParse(match);
  if (!parsed.success) return 'maybe';
  const { op, left, right } = parsed.data;
  const found = rightMatches(left, right, port);
  if (op === '!=' && found !== 'maybe') return found === 'yes' ? 'no' : 'yes';
  return found;
}

function rightMatches(
  { payload, meta, ct }: z.infer<typeof matchSchema>['left'],
  right: unknown,
  port: number,
): Matches {
  if (payload !== undefined) {
    if (payload.protocol === 'tcp' || payload.protocol === 'th')
      return payload.field === 'dport' ? holds(right, port) : 'maybe';
    if (payload.protocol === 'ip' && payload.field === 'protocol') return holds(right, 'tcp', 6);
    return ['udp', 'icmp', 'icmpv6', 'ip6', 'sctp', 'dccp'].includes(payload.protocol) ? 'no' : 'maybe';
  }
  if (ct?.key === 'state') return holds(right, 'new');
  if (meta?.key === 'l4proto') return holds(right, 'tcp', 6);
  if (meta?.key === 'nfproto') return holds(right, 'ipv4', 2);
  if (meta?.key === 'iif' || meta?.key === 'iifname') return holds(right, 'lo') === 'yes' ? 'no' : 'maybe';
  return 'maybe';
}

/** Whether the right side of a match names one of the wanted values. A named set is not looked into. */
function holds(right: unknown, ...wanted: readonly (string | number)[]): Matches {
  if (typeof right === 'string' && right.startsWith('@')) return 'maybe';
  if (typeof right === 'string' || typeof right === 'number') return wanted.includes(right) ? 'yes' : 'no';
  if (Array.isArray(right)) return right.some((one) => holds(one, ...wanted) === 'yes') ? 'yes' : 'no';
  if (right === null || typeof right !== 'object') return 'maybe';
  if ('set' in right) return holds(right.set, ...wanted);
  if ('range' in right && Array.isArray(right.range)) {
    const [from, to] = right.range as unknown[];
    const [value] = wanted;
    return typeof value === 'number' &&
      typeof from === 'number' &&
      typeof to === 'number' &&
      from <= value &&
      value <= to
      ? 'yes'
      : 'no';
  }
  return 'maybe';
}
