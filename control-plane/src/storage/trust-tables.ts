/** The tables of passkeys, the lock and amendments, as `tables.ts` tells the others. */

export interface PasskeyTable {
  id: string;
  person_id: string;
  credential_id: string;
  name: string;
  /** As a lock names it: `passkey:` and the SubjectPublicKeyInfo. */
  public_key: string;
  /** The same key as the browser gave it (COSE, base64url). */
  cose_key: string;
  counter: number;
  transports_json: string;
  created_at: number;
  last_used_at: number | null;
}
/** Challenges that were handed to a browser and not answered yet. Each works once. */
export interface WebauthnChallengeTable {
  challenge: string;
  purpose: 'register' | 'sign_in' | 'proof';
  session_id: string | null;
  expires_at: number;
}
/**
 * The states of the lock, each but the first with the signed change that led to it. By digest, since a lock that was ended
 * with its recovery secret stays beside the one that follows it.
 */
export interface LockStateTable {
  digest: string;
  number: number;
  state_json: string;
  change_json: string | null;
  by: string;
  at: number;
}
export interface AmendmentTable {
  id: string;
  by_person: string;
  state: 'proposed' | 'made' | 'declined' | 'withdrawn' | 'expired';
  kind: 'policy' | 'role' | 'person' | 'token';
  title: string;
  change_json: string;
  diff: string | null;
  rule: string;
  others_needed: number;
  at: number;
  expires_at: number;
  ended_at: number | null;
  declined_by: string | null;
}
export interface AmendmentVoteTable {
  amendment_id: string;
  person_id: string;
  at: number;
}
