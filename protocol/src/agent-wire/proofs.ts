/** What both sides sign when they connect. Pure, and without zod. */

/** The bytes that a control plane signs to prove itself to one agent, once. */
export function controlPlaneProof(
  open: { nonce: string; publicKey: string },
  challenge: { nonce: string; level: number },
) {
  return { agentNonce: open.nonce, agentKey: open.publicKey, nonce: challenge.nonce, level: challenge.level };
}

/** The bytes that an agent signs to prove itself to one control plane, once. */
export function linkProof(
  open: { nonce: string; publicKey: string },
  challenge: { nonce: string; key: string; level: number },
) {
  return {
    agentNonce: open.nonce,
    agentKey: open.publicKey,
    nonce: challenge.nonce,
    controlPlaneKey: challenge.key,
    level: challenge.level,
  };
}
