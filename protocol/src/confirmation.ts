/** What approvers sign when they confirm that a server can still be reached after a change that could have locked it up. */
import { confirmationValue } from './confirmation-value.ts';
import { digestOf } from './digest.ts';

/** The digest of the confirmation of one action. Never equal to that of a plan or of a lock change: its format says what it is. */
export function confirmationDigest(actionId: string, planDigest: string): string {
  return digestOf(confirmationValue(actionId, planDigest));
}
