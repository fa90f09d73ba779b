/** Whether the signed-in person can sign for an action on this page, and with what. */
import type { RelyingParty } from '@countersign/protocol/approver';
import type { LockState } from '@countersign/protocol/lock';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { PageFault } from '../../api/page-fault.ts';
import { loadWebauthn, type Passkey } from '../../api/passkeys.ts';
import { query } from '../../api/queries.ts';
import { canDigest, digestInBrowser, signWithPasskey, whyNotHere } from '../../api/signing.ts';

export interface Signing {
  /** The lock of the server; null when the server is not locked. */
  readonly lock: LockState | null;
  /** The person's passkeys that count for it. */
  readonly passkeys: readonly Passkey[];
  /** Why none of them can be used here; null when one can. Undefined until it is known. */
  readonly why: string | null | undefined;
  readonly party: RelyingParty | null;
}

/** The lock that an action's server holds it to; null when it is not locked. */
export function lockOf({ lock }: Pick<ActionDetail, 'lock'>): LockState | null {
  return lock === null || lock.state.disabled ? null : lock.state;
}

export function useSigning(action: ActionDetail): Signing {
  const own = useQuery(query('listPasskeys', {}));
  useEffect(() => void loadWebauthn(), []);
  return signingWith(own.data, lockOf(action));
}

/** The same for anything that is signed, from what is known of the person's passkeys. */
export function signingWith(
  own: { readonly passkeys: readonly Passkey[]; readonly party: RelyingParty | null } | undefined,
  lock: LockState | null,
): Signing {
  const party = lock === null ? (own?.party ?? null) : lock.party;
  const passkeys = (own?.passkeys ?? []).filter(({ key }) => lock === null || lock.keys.some((it) => it.key === key));
  if (own === undefined) return { lock, passkeys, party, why: undefined };
  if (own.passkeys.length === 0) return { lock, passkeys, party, why: 'you have no passkey.' };
  if (passkeys.length === 0)
    return { lock, passkeys, party, why: 'none of your passkeys is in the lock of this server.' };
  return { lock, passkeys, party, why: whyNotHere(party) };
}

/** Signs a value: the page computes its digest itself. Resolves with the digest and the signature over it. */
export async function signValue(value: unknown, { party, passkeys }: Signing) {
  if (party === null) throw new PageFault('No site is pinned for passkeys.', 'Sign on the command line.');
  const digest = await digestInBrowser(value);
  return { digest, signature: await signWithPasskey(digest, party, passkeys) };
}

/** What this page found when it computed the digest of the plan itself. */
export type DigestCheck = 'checking' | 'same' | 'differs' | 'impossible';

export function useDigestCheck({ plan, digest }: Pick<ActionDetail, 'plan' | 'digest'>): DigestCheck {
  const [found, setFound] = useState<string | null>(null);
  useEffect(() => {
    let gone = false;
    const keep = (computed: string) => !gone && setFound(computed);
    if (canDigest()) void digestInBrowser(plan).then(keep, () => keep('it has no canonical form'));
    return () => {
      gone = true;
    };
  }, [plan]);
  if (!canDigest()) return 'impossible';
  return found === null ? 'checking' : found === digest ? 'same' : 'differs';
}

/** The digest to approve: the one that this page computed. Rejects when it is not the one that was shown. */
export async function ownDigest({ plan, digest }: Pick<ActionDetail, 'plan' | 'digest'>): Promise<string> {
  if (!canDigest() || (await digestInBrowser(plan)) === digest) return digest;
  throw new PageFault(
    'The fingerprint is not that of the plan on this page, so nothing was signed or approved.',
    'Do not approve it. Tell who runs the control plane: what it shows and what it wants approved are not the same.',
  );
}
