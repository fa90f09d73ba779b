/** A fresh proof that it is the signed-in person who asks, before what a stolen session must not do (T4). */
import { fault, strengthAtLeast } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { whoOf } from '../audit/ledger.ts';
import type { Caller, Prove } from '../ports.ts';
import { confirmCode, confirmPassword } from './confirm.ts';
import { credentialOf, passkeysOf } from './passkey.store.ts';
import { makeChallenge, sessionOf } from './passkey-challenge.ts';
import { personById } from './person.store.ts';
import { partyOf } from './relying-party.ts';
import { sessionBegan } from './session.store.ts';
import { attemptsKeyOf, type PasskeyDeps, usePasskey } from './use-passkey.ts';
import { assertionOptions, parseAssertion, type WebauthnJson } from './webauthn.ts';

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
  deps: PasskeyDeps,
  caller: Caller,
  proof: Proof,
  least: ProofStrength | 'best' = 'session',
): Promise<ProofStrength> {
  const kinds = await kindsWorth(deps, caller.person.id, least);
  if (!kinds.includes(proof.kind)) throw proofNeeded(kinds, least);
  if (proof.kind === 'password') await confirmPassword(deps, caller, proof.password);
  else if (proof.kind === 'code') await confirmCode(deps, caller, proof.code);
  else await confirmPasskey(deps, caller, proof.response);
  return worth[proof.kind];
}

/** The proofs that a person can give here, weakest first, and options for a passkey where there is one. */
export async function startProof(
  deps: PasskeyDeps,
  caller: Caller,
): Promise<{ kinds: ProofKind[]; options: WebauthnJson | null }> {
  const kinds = await proofKinds(deps, caller.person.id);
  const party = partyOf(deps.place.publicUrl);
  if (party === null || !kinds.includes('passkey')) return { kinds, options: null };
  const known = (await passkeysOf(deps.db, caller.person.id)).map(credentialOf);
  const challenge = await makeChallenge(deps, { purpose: 'proof', sessionId: sessionOf(caller) });
  return { kinds, options: await assertionOptions(party, { challenge, known }) };
}

/** The proofs that a person can give here, weakest first. */
export async function proofKinds(
  { db, place }: Pick<PasskeyDeps, 'db' | 'place'>,
  personId: string,
): Promise<ProofKind[]> {
  const person = await personById(db, personId);
  if (person === undefined) throw fault('unauthenticated');
  const passkeysWork = partyOf(place.publicUrl) !== null;
  return [
    'password',
    ...(person.totp_confirmed === 1 ? (['code'] as const) : []),
    ...(passkeysWork && person.passkeys > 0 ? (['passkey'] as const) : []),
  ];
}

/** Rejects with `proof_needed`, for a person who gave no proof where one is asked for. */
export async function proofMissing(
  deps: Pick<PasskeyDeps, 'db' | 'place'>,
  personId: string,
  least: ProofStrength | 'best',
): Promise<never> {
  throw proofNeeded(await kindsWorth(deps, personId, least), least);
}

/** For so long after signing in nobody is asked again for what they have just shown. */
const SIGNED_IN_LATELY_MS = 10 * 60_000;

/**
 * The best proof that the caller can give, or that they gave it when they signed in, less than ten minutes ago. Rejects with
 * `proof_needed`, or as {@link prove} does.
 */
export async function proveLately(
  deps: Pick<PasskeyDeps, 'db' | 'place' | 'clock'> & { readonly prove: Prove },
  caller: Caller,
  proof: Proof | undefined,
): Promise<void> {
  if (proof !== undefined) {
    await deps.prove(caller, proof, 'best');
    return;
  }
  const kinds = await kindsWorth(deps, caller.person.id, 'best');
  const began = await sessionBegan(deps.db, sessionOf(caller));
  if (began === undefined || deps.clock.now() - began >= SIGNED_IN_LATELY_MS) throw proofNeeded(kinds, 'best');
  // A passkey that was made in this session could not be shown when it began.
  const older = (await passkeysOf(deps.db, caller.person.id)).some(({ created_at }) => created_at < began);
  const asked = kinds.filter((kind) => kind !== 'passkey' || older);
  const shown = caller.session?.strength ?? 'form';
  if (asked.length > 0 && !asked.some((kind) => strengthAtLeast(shown, worth[kind]))) throw proofNeeded(kinds, 'best');
}

/** The proofs of a person that are worth this much. */
async function kindsWorth(
  deps: Pick<PasskeyDeps, 'db' | 'place'>,
  personId: string,
  least: ProofStrength | 'best',
): Promise<ProofKind[]> {
  const all = await proofKinds(deps, personId);
  const enough = all.filter((kind) => isWorth(worth[kind], least === 'best' ? 'code' : least));
  return least === 'best' && enough.length === 0 ? all : enough;
}

/** The fault for a proof that is missing or too weak; names those of the person that would do. */
function proofNeeded(kinds: readonly ProofKind[], least: ProofStrength | 'best') {
  const missing = least === 'passkey' ? 'a passkey' : 'an authenticator app or a passkey';
  const proofs =
    kinds.length > 0
      ? kinds.map((kind) => words[kind]).join(' or ')
      : `${missing}, which you have to set up in Settings first`;
  return fault('proof_needed', { proofs });
}

/** Whether what a proof is worth is enough. */
function isWorth(strength: ProofStrength, least: ProofStrength): boolean {
  return strengths.indexOf(strength) >= strengths.indexOf(least);
}

async function confirmPasskey(deps: PasskeyDeps, caller: Caller, response: unknown): Promise<void> {
  const attempt = deps.attempts.begin(attemptsKeyOf(parseAssertion(response), caller.ip), caller.ip);
  const use = { purpose: 'proof', sessionId: sessionOf(caller), personId: caller.person.id } as const;
  await usePasskey(deps, response, { ...use, who: whoOf(caller) });
  attempt.succeeded();
}
