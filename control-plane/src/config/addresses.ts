/** What an address or host name is: loopback, any, or somewhere else. */
import ipaddr from 'ipaddr.js';

/** A host name (RFC 1123) or IP address in its plain form, `[::1]` without brackets; null for anything else. */
export function parseHost(text: string): string | null {
  const bare = text.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (ipaddr.IPv4.isValidFourPartDecimal(bare) || (bare.includes(':') && ipaddr.IPv6.isValid(bare))) return bare;
  return /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/.test(bare) &&
    !/^[\d.]+$/.test(bare)
    ? bare
    : null;
}

/** Whether only this machine can reach the address. `localhost` and names below it always mean loopback (RFC 6761). */
export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

/** Whether the address means every address of the machine. */
export function isWildcard(host: string): boolean {
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'unspecified';
}

/** Whether two texts are the same IP address; an IPv4 address mapped into IPv6 equals the plain one. */
export function sameAddress(a: string, b: string): boolean {
  return (
    ipaddr.isValid(a) &&
    ipaddr.isValid(b) &&
    ipaddr.process(a).toNormalizedString() === ipaddr.process(b).toNormalizedString()
  );
}

/** Who counts as one visitor: an IPv4 address, or the /64 network of an IPv6 address, since one machine owns all of that. */
export function visitorOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toNormalizedString()}/64`;
}

/** Whether an address is of this machine or of a private network, where a reverse proxy of the operator may be. */
export function isNear(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  return /^(loopback|private|uniqueLocal|linkLocal)$/.test(ipaddr.process(address).range());
}
