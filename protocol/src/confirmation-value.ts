/** What the digest of a confirmation is made of. Apart from `confirmation.ts` because the dashboard has no `node:crypto`. */

/** That one action is confirmed. Its format says what it is, so that it never passes for a plan or for a change of the lock. */
export function confirmationValue(actionId: string, planDigest: string) {
  return { format: 'countersign-confirmation/1', action: actionId, plan: planDigest } as const;
}
