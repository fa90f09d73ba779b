/** How this server looks up names: /etc/resolv.conf, and systemd-resolved where that runs. Sources: resolv.conf(5), resolvectl(1). */

import { isIP } from 'node:net';
import { fault } from '@countersign/protocol';
import { readTextOrNull } from '../../host/look.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ObserveContext } from '../capability.ts';

export const RESOLVED_UNIT = 'systemd-resolved.service';

/** The name servers that resolved was given for one link, or for all of them. */
export interface LinkServers {
  /** `null`: those that count for every link. */
  readonly link: string | null;
  readonly servers: readonly string[];
}

export interface Resolver {
  /** What programs ask, in order. */
  readonly configured: readonly string[];
  /** Whether systemd-resolved is installed, and runs. */
  readonly resolved: { readonly installed: boolean; readonly active: boolean };
  /** What resolved asks in turn; empty while it does not run. */
  readonly links: readonly LinkServers[];
}

/** Reads how names are looked up. Rejects with `capability_failed` when systemd or resolved does not answer. */
export async function readResolver(context: ObserveContext): Promise<Resolver> {
  const configured = parseResolvConf(readTextOrNull('/etc/resolv.conf') ?? '');
  const unit = await unitProperties(context.exec, RESOLVED_UNIT, ['LoadState', 'ActiveState']);
  const resolved = { installed: unit.LoadState === 'loaded', active: unit.ActiveState === 'active' };
  // To ask it while it is stopped would start it.
  return { configured, resolved, links: resolved.active ? await readLinks(context) : [] };
}

/** The servers of `resolvectl dns`, per link. */
export async function readLinks(context: ObserveContext): Promise<LinkServers[]> {
  // resolvectl asks its own network for the links.
  const how = { timeoutMs: 5000, hostNetwork: true, signal: context.signal };
  const done = await context.exec({ argv: ['resolvectl', 'dns'], ...how });
  if (done.exitCode !== 0)
    throw fault('capability_failed', { capability: 'resolvectl', reason: 'systemd-resolved does not answer' });
  return parseLinks(done.stdout);
}

/** What a link was told besides its servers, for as long as this boot lasts: the names that it is asked for. Source: resolvectl(1). */
export async function readDomains(context: ObserveContext, link: string): Promise<string[]> {
  const how = { timeoutMs: 5000, hostNetwork: true, signal: context.signal };
  const done = await context.exec({ argv: ['resolvectl', 'domain', '--', link], ...how });
  if (done.exitCode !== 0)
    throw fault('capability_failed', { capability: 'resolvectl', reason: 'systemd-resolved does not answer' });
  return parseDomains(done.stdout);
}

/** Names of `Link 2 (eth0): corp.example ~.`; what looks otherwise is left out. */
export function parseDomains(text: string): string[] {
  const words = /^Link \d+ \([^)\s]+\):(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/) ?? [];
  return words.filter((word) => /^~?[A-Za-z0-9_.][A-Za-z0-9_.-]*$/.test(word));
}

/** Addresses of `nameserver` lines. */
export function parseResolvConf(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [word, address = ''] = line.trim().split(/\s+/);
    return word === 'nameserver' && isIP(plain(address)) !== 0 ? [plain(address)] : [];
  });
}

/** Lines such as `Link 2 (eth0): 10.0.0.1 10.0.0.2` and `Global: 9.9.9.9#dns.quad9.net`. */
export function parseLinks(text: string): LinkServers[] {
  return text.split('\n').flatMap((line) => {
    const found = /^(?:Global|Link \d+ \(([^)\s]+)\)):(.*)$/.exec(line.trim());
    if (found === null) return [];
    const servers = (found[2] ?? '').trim().split(/\s+/).map(plain);
    return [{ link: found[1] ?? null, servers: servers.filter((server) => isIP(server) !== 0) }];
  });
}

/** The address of `10.0.0.1:53%eth0#name`. */
const plain = (server: string) =>
  server
    .replace(/[#%].*$/, '')
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1');
