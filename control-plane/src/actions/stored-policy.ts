/** What an action keeps of the policy's verdict on it. */
import type { Ask, PolicyVerdict } from '../policy/policy.ts';
import type { ActionTable } from '../storage/tables.ts';

export interface StoredPolicy {
  readonly verdict: PolicyVerdict['verdict'];
  readonly why: string;
  /** The text of the policy that said so, as SHA-256. */
  readonly sha256: string;
  readonly ask: Ask;
  /** Set where policy allows and the preview was foretold. */
  readonly foretold?: true;
}

const nothingAsked: Ask = { approvals: 0, from: [], channels: [], strength: 'form', expiresMs: 0 };

export function storedPolicy(verdict: PolicyVerdict, sha256: string, foretold = false): StoredPolicy {
  const ask = verdict.verdict === 'ask' ? verdict.ask : nothingAsked;
  return { verdict: verdict.verdict, why: verdict.why, sha256, ask, ...(foretold && { foretold }) };
}

export function policyOf(row: Pick<ActionTable, 'policy_json'>): StoredPolicy {
  return JSON.parse(row.policy_json) as StoredPolicy;
}
