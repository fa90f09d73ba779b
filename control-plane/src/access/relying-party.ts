/** Where passkeys are used: the site that people open. Sources: W3C Web Authentication Level 3, sections 5.1.3 and 13.4.9. */
import { fault } from '@countersign/protocol';
import type { RelyingParty } from '@countersign/protocol/approver';
import { isLoopback, parseHost } from '../config/addresses.ts';

/** The site of passkeys, or in words why they do not work under this address. */
export function relyingPartyOf(publicUrl: string): { readonly party: RelyingParty } | { readonly impossible: string } {
  const { hostname, origin, protocol } = new URL(publicUrl);
  if (/^[\d.]+$/.test(hostname) || hostname.startsWith('['))
    return { impossible: `browsers tie a passkey to a name, and ${hostname} is an address` };
  if (parseHost(hostname) === null) return { impossible: `${hostname} is no name that browsers take` };
  if (protocol !== 'https:' && !isLoopback(hostname))
    return { impossible: `browsers offer them over https only, and ${origin} is not` };
  return { party: { id: hostname, origins: [origin] } };
}

/** The site of passkeys, or null where they do not work. */
export function partyOf(publicUrl: string): RelyingParty | null {
  const found = relyingPartyOf(publicUrl);
  return 'party' in found ? found.party : null;
}

/** The site of passkeys. Throws `passkey_impossible`. */
export function relyingParty(place: { readonly publicUrl: string }): RelyingParty {
  const found = relyingPartyOf(place.publicUrl);
  if ('impossible' in found) throw fault('passkey_impossible', { reason: found.impossible });
  return found.party;
}
