/** A fresh proof that it is the signed-in person who asks, before what a stolen session must not do (T4). */
import { fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import type { Caller, Prove } from '../ports.ts';
import type { AccessCore } from './access.ts';
import { confirmCode, confirmPassword } from './confirm.ts';
import { personById } from './person.store.ts';

export type ProofKind = Proof['kind'];
/** What a proof is worth. */
export type ProofStrength = Awaited<ReturnType<Prove>>;

const worth: Record<ProofKind, ProofStrength> = { password: 'session', code: 'code', passkey: 'passkey' };
const words: Record<ProofKind, string> = {
  password: 'your password',
  code: 'a code of your authenticator app',
  passkey: 'your passkey',
};
const strengths: readonly ProofStrength[] = ['session', 'code', 'passkey'];

/** See `Prove` in `ports.ts`. */
export async function prove(
  deps: AccessCore,
  caller: Caller,
  proof: Proof,
  least: ProofStrength = 'session',
): Promise<ProofStrength> {
  const kinds = (await proofKinds(deps, caller.person.id)).filter((kind) => isWorth(worth[kind], least));
  if (!kinds.includes(proof.kind)) throw proofNeeded(kinds, least);
  if (proof.kind === 'password') await confirmPassword(deps, caller, proof.password);
  else if (proof.kind === 'code') await confirmCode(deps, caller, proof.code);
  return worth[proof.kind];
}

/** The proofs that a person can give, weakest first. */
export async function proofKinds({ db }: Pick<AccessCore, 'db'>, personId: string): Promise<ProofKind[]> {
  const person = await personById(db, personId);
  if (person === undefined) throw fault('unauthenticated');
  return ['password', ...(person.totp_confirmed === 1 ? (['code'] as const) : [])];
}

/** The fault for a proof that is missing or too weak; names those that would do. */
export function proofNeeded(kinds: readonly ProofKind[], least: ProofStrength) {
  const missing = least === 'passkey' ? 'a passkey' : 'an authenticator app or a passkey';
  const proofs =
    kinds.length > 0 ? kinds.map((kind) => words[kind]).join(' or ') : `set up ${missing} in Settings first`;
  return fault('proof_needed', { proofs });
}

function isWorth(strength: ProofStrength, least: ProofStrength): boolean {
  return strengths.indexOf(strength) >= strengths.indexOf(least);
}
