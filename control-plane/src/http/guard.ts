/**
 * Keeps other web pages out (T18): the Host header must name us, so that no rebound name reaches us through a browser, and
 * what a browser sends for a foreign page is refused. Pure. Sources: RFC 9110 section 7.2, RFC 6454, Fetch Metadata (W3C).
 */
import { isLoopback, parseHost, sameAddress } from '../config/addresses.ts';

export interface Visit {
  readonly method: string;
  /** Path without the query. */
  readonly path: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly fetchDest: string | undefined;
  /** Address of ours that the connection came to. */
  readonly localAddress: string | undefined;
}

export interface Home {
  /** Origin under which people reach us. */
  readonly publicUrl: string;
  /** Address or name that we listen on. */
  readonly host: string;
}

/** What is wrong with a visit, in words for `origin_denied`; null when it may come in. */
export function strangerIn(visit: Visit, home: Home, isOurs = hostIsOurs): string | null {
  if (!isOurs(visit, home)) return `the host name ${visit.host ?? '(none)'}`;
  if (isDesktopAssistant(visit)) return null;
  if (visit.origin !== undefined && !originIsOurs(visit.origin, visit.host, home)) return visit.origin;
  if (isForeign(visit.fetchSite) && !isLink(visit)) return `another site (${visit.fetchSite})`;
  return null;
}

const HOSTS_KEPT = 100;

/**
 * Whether the host is ours, as {@link strangerIn} asks; a host that was is not taken apart again, since clients send the same one
 * with every request. Nor is the address that a visit came to looked at again, where the host alone says enough: Node keeps it with the
 * socket from then on, and ten thousand agents have one each.
 */
export function hostsKept(): typeof hostIsOurs {
  const kept = new Set<string>();
  return (visit, home) => {
    const { host } = visit;
    if (host === undefined) return false;
    // The host comes last: it is the only part that a stranger words. No address begins as our origin does.
    const anywhere = `${home.publicUrl} ${home.host} ${host}`;
    if (kept.has(anywhere)) return true;
    const here = `${visit.localAddress} ${anywhere}`;
    if (kept.has(here)) return true;
    if (!hostIsOurs(visit, home)) return false;
    if (kept.size >= HOSTS_KEPT) kept.clear();
    kept.add(hostIsOurs({ host, localAddress: undefined }, home) ? anywhere : here);
    return true;
  };
}

/** A name of ours, or an IP address: only names can be made to point elsewhere, but an address that is not ours was not typed either. */
function hostIsOurs({ host, localAddress }: Pick<Visit, 'host' | 'localAddress'>, home: Home): boolean {
  if (host === undefined) return false;
  const url = URL.parse(`http://${host}`);
  if (url === null || url.pathname !== '/' || url.username !== '' || host.includes('/')) return false;
  const name = parseHost(url.hostname);
  if (name === null) return false;
  if (name === 'localhost' || (isLoopback(name) && !name.endsWith('.localhost'))) return true;
  const expected = new URL(home.publicUrl);
  const port = (it: URL) => it.port || (expected.protocol === 'https:' ? '443' : '80');
  if (name === parseHost(expected.hostname) && port(url) === port(expected)) return true;
  return name === parseHost(home.host) || (localAddress !== undefined && sameAddress(name, localAddress));
}

/** The page that sent the request is ours: it has our public origin, or the very host that it talks to. */
function originIsOurs(origin: string, host: string | undefined, home: Home): boolean {
  const url = URL.parse(origin);
  if (url === null || url.origin !== origin) return false;
  const { protocol, origin: expected } = new URL(home.publicUrl);
  return origin === expected || (url.protocol === protocol && url.origin === URL.parse(`${protocol}//${host}`)?.origin);
}

/**
 * Editors built on Electron send an origin of their own scheme to `/mcp`, which no web page can have; what lets them in there
 * is a token, never a cookie.
 */
function isDesktopAssistant({ path, origin }: Visit): boolean {
  return (
    path === '/mcp' && origin !== undefined && /^[a-z][a-z0-9.+-]*:\/\//i.test(origin) && !/^https?:/i.test(origin)
  );
}

const isForeign = (site: string | undefined) => site !== undefined && site !== 'same-origin' && site !== 'none';

/** Somebody followed a link to one of our pages. That reads nothing and changes nothing. */
function isLink({ method, path, fetchMode, fetchDest }: Visit): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    fetchMode === 'navigate' &&
    (fetchDest === undefined || fetchDest === 'document') &&
    !/^\/(api|mcp|agent|hooks)(\/|$)/.test(path)
  );
}
