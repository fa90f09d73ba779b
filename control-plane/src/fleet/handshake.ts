/**
 * Both sides prove who they are, once per connection, over fresh nonces (design.md, section 5; threat T2). Pure but for the
 * nonce. The control plane proves itself first, so that an agent shows its token to nobody else.
 */
import { fault, type Ids } from '@countersign/protocol';
import { LEVEL, negotiate, OLDEST_LEVEL } from '@countersign/protocol/agent-wire/level';
import {
  controlPlaneProof,
  type FromAgent,
  type FromControlPlane,
  linkProof,
} from '@countersign/protocol/agent-wire/messages';
import { type SigningKey, signValue, verifyValue } from '@countersign/protocol/signing';

export type Open = Extract<FromAgent, { type: 'open' }>;
export type Hello = Extract<FromAgent, { type: 'hello' }>;
export type Challenge = Extract<FromControlPlane, { type: 'challenge' }>;

/** Answers an agent's opening. Throws `level_unsupported` when there is no level that both speak. */
export function challengeFor(open: Open, key: SigningKey, ids: Pick<Ids, 'secret'>): Challenge {
  const level = negotiate(open);
  if (level === undefined)
    throw fault('level_unsupported', {
      theirs: range(open.oldest, open.newest),
      ours: range(OLDEST_LEVEL, LEVEL),
    });
  const nonce = ids.secret('');
  const signature = signValue('control-plane-hello', controlPlaneProof(open, { nonce, level }), key.seed);
  return { type: 'challenge', level, nonce, key: key.publicKey, signature };
}

/**
 * Throws `agent_unproven` unless the hello was signed for this very challenge with the key that opened. A recorded hello is
 * worthless: it covers another nonce.
 */
export function checkProof(open: Open, challenge: Challenge, hello: Hello): void {
  if (!verifyValue('link-hello', linkProof(open, challenge), hello.signature, open.publicKey))
    throw fault('agent_unproven', { reason: 'its signature does not fit the challenge' });
}

function range(oldest: number, newest: number): string {
  return oldest === newest ? `${newest}` : `${oldest} to ${newest}`;
}
