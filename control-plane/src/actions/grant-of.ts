/** The signed grant of a dispatched action. The same row always gives the same bytes, so that sending it again changes nothing. */
import { type Grant, grantSchema, type SignedGrant } from '@countersign/protocol';
import { type SigningKey, signValue } from '@countersign/protocol/signing';
import type { ActionTable, ApprovalTable } from '../storage/tables.ts';

type Vote = ApprovalTable & { readonly person_name: string };

/** Throws `ZodError` when the stored plan is no plan: it is then not sent. */
export function grantOf(
  row: ActionTable & { readonly dispatched_at: number; readonly start_by: number },
  votes: readonly Vote[],
  key: SigningKey,
): SignedGrant {
  const grant: Grant = grantSchema.parse({
    format: 'countersign-grant/2',
    actionId: row.id,
    plan: JSON.parse(row.plan_json),
    digest: row.digest,
    approvals: votes
      .filter((vote) => vote.verdict === 'approve' && vote.digest === row.digest)
      .map((vote) => ({
        id: vote.id,
        person: { id: vote.person_id, name: vote.person_name },
        channel: vote.channel,
        strength: vote.strength,
        digest: vote.digest,
        at: vote.at,
        ...(vote.signature_json === null ? {} : { signature: JSON.parse(vote.signature_json) }),
      })),
    rule: row.rule,
    issuedAt: row.dispatched_at,
    expiresAt: row.start_by,
  });
  return { grant, key: key.publicKey, signature: signValue('grant', grant, key.seed) };
}
