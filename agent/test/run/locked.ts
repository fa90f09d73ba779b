/** What approvers sign for a locked server, in the form of approvals. Their keys are in `protocol/test/approvers.ts`. */
import type { Approval } from '@countersign/protocol';
import type { Approver } from '../../../protocol/test/approvers.ts';
import { approvalOf } from './bed.ts';

/** An approval with the signature of an approver. */
export function signedApproval(by: Approver, digest: string, given: Partial<Approval> = {}): Approval {
  const person = { id: 'prs_000000000001', name: by.holder };
  return approvalOf(digest, { person, channel: 'web', strength: 'passkey', signature: by.sign(digest), ...given });
}
