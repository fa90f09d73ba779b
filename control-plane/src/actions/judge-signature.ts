/** What a signature makes of a verdict. Pure. */
import { type ApproverSignature, type Fault, fault, type Strength, strengthAtLeast } from '@countersign/protocol';
import { whyNotSigned } from '@countersign/protocol/approver-signature';
import { holderOf, whyNotCounted } from '@countersign/protocol/follow-lock';
import type { Judged, Verdict } from './judge-verdict.ts';
import { signaturesOf } from './quorum.ts';

/**
 * How sure we are of an approval with the signature that came with it, or why it does not count: `signature_needed` where the
 * server is locked and there is none, `signature_invalid`.
 */
export function strengthOf({ signature, strength, person }: Verdict, judged: Judged): Strength | Fault {
  const { lock, action, serverName } = judged;
  if (signature === undefined) return lock === null ? strength : fault('signature_needed', { server: serverName });
  const reason =
    lock === null
      ? whyNotOwn(signature, judged)
      : (whyNotCounted(lock, action.digest, signature) ?? whyNotAnother(signature, judged, person.id));
  if (reason !== null) return fault('signature_invalid', { reason });
  const proven = signature.kind === 'passkey' ? 'passkey' : 'code';
  return strengthAtLeast(strength, proven) ? strength : proven;
}

/** A server without a lock pins no keys: only a passkey of the person's own account says more than the session does. */
function whyNotOwn(signature: ApproverSignature, { action, ownKeys, party }: Judged): string | null {
  if (signature.kind !== 'passkey') return 'the server has no lock that names its key';
  if (!ownKeys.includes(signature.key)) return 'its passkey is none of yours';
  return whyNotSigned(signature, action.digest, party);
}

/** Two people with keys of one holder are one: the second would be counted for nothing. */
function whyNotAnother(signature: ApproverSignature, { lock, action, votes }: Judged, personId: string): string | null {
  const holder = lock && holderOf(lock, signature.key);
  const before = votes.find(
    (vote) =>
      vote.person_id !== personId &&
      vote.verdict === 'approve' &&
      vote.digest === action.digest &&
      signaturesOf(vote).some(({ key }) => lock && holderOf(lock, key) === holder),
  );
  return before ? `${holder} has signed already, for ${before.person_name}; another holder has to` : null;
}
