/**
 * Addresses that are never blocked: the control plane's, those of people who log in, the server's own, and its neighbours'.
 * Found out here, from what the server itself sees, so that nobody else can leave one out.
 */
import { z } from 'zod';
import { readTextOrNull } from '../../host/look.ts';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';
import { readLinkPeers } from '../network/link-connection.ts';
import { overlap, parseRange, type Range } from '../network/ranges.ts';
import { parseResolvConf } from '../network/resolver.ts';
import { readRoutes } from '../network/routes.ts';
import { readLogins } from './auth-log.ts';

/** Who logged in within this time may do so again. */
const LOGINS_MS = 7 * 86_400_000;

/** Nobody on the internet has these. Sources: RFC 1918, 6598, 3927, 4193, 4291, 5771. */
const NEAR = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.168.0.0/16', '224.0.0.0/3', '::/127', 'fc00::/7', 'fe80::/10', 'ff00::/8'],
];

export interface Spared {
  readonly ranges: readonly { readonly range: Range; readonly because: string }[];
}

/** `null` when it cannot be told by which connection the agent is reached: then nobody knows whom not to block. */
export async function readSpared(context: ObserveContext): Promise<Spared | null> {
  const peers = await readLinkPeers(context);
  const routes = await readRoutes(context);
  const own = await ownAddresses(context);
  const people = await loggedIn(context);
  if (peers === null || peers.length === 0 || routes === null || own === null || people === null) return null;
  const onLink = routes.filter(({ gateway, dst }) => gateway === undefined && dst !== 'default');
  const servers = parseResolvConf(readTextOrNull('/etc/resolv.conf') ?? '');
  const named: [readonly string[], string][] = [
    [peers.map(({ address }) => address), 'the control plane is reached there'],
    [people, 'people log in from there'],
    [own, 'it is an address of the server itself'],
    [routes.flatMap(({ gateway }) => gateway ?? []), 'the server sends its packets that way'],
    [servers, 'it is a name server of this server'],
    [onLink.map(({ dst }) => dst), 'it is in a network of the server itself'],
    [NEAR, 'it is no address of the internet'],
  ];
  return {
    ranges: named.flatMap(([texts, because]) =>
      texts.flatMap((text) => {
        const range = parseRange(text);
        return range === null ? [] : [{ range, because }];
      }),
    ),
  };
}

/** Why an address or range is spared, or `null`. */
export function whySpared({ ranges }: Spared, text: string): string | null {
  const asked = parseRange(text);
  if (asked === null) return 'it is no address';
  return ranges.find(({ range }) => overlap(range, asked))?.because ?? null;
}

const addressesSchema = z.array(z.object({ addr_info: z.array(z.object({ local: z.string().optional() })) }));

async function ownAddresses(context: ObserveContext): Promise<string[] | null> {
  const argv = ['ip', '-json', 'address', 'show'];
  const done = await context.exec({ argv, timeoutMs: 5000, hostNetwork: true, signal: context.signal });
  const parsed = addressesSchema.safeParse(done.exitCode === 0 ? parsedJson(done.stdout) : undefined);
  return parsed.data?.flatMap(({ addr_info }) => addr_info.flatMap(({ local }) => local ?? [])) ?? null;
}

/** From where people logged in lately, and from where those who still are. Source: who(1). */
async function loggedIn(context: ObserveContext): Promise<string[] | null> {
  const logins = await readLogins(context, context.clock.now() - LOGINS_MS);
  if (logins === null) return null;
  const who = await context.exec({ argv: ['who', '--ips'], timeoutMs: 5000, signal: context.signal });
  const now = who.stdout.split('\n').map((line) => line.trim().split(/\s+/).at(-1) ?? '');
  return [...logins.map(({ address }) => address), ...now];
}
