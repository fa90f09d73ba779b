/**
 * Secrets that work once: setup links, invitations, enrolment tokens, pairing codes. Given out as text, kept as a hash, used
 * by a single statement, so that of two who come at once one is refused.
 */

import { sha256 } from '@countersign/protocol/digest';
import type { Core } from '../ports.ts';
import type { Db, Trx } from '../storage/database.ts';
import { deleteUnused, insertOneUseSecret, markUsed, type Purpose, usableSecret } from './one-use.store.ts';

type Deps = Pick<Core, 'clock' | 'ids'>;

/**
 * Makes a secret. What was given out before for the same purpose and subject, and not used, ends with it.
 * `prefix` is what the text begins with (`cse_`); `ttlMs` how long it works. Times are milliseconds since 1970.
 */
export async function makeOneUseSecret(
  trx: Trx,
  { clock, ids }: Deps,
  { purpose, subjectId, prefix, ttlMs }: { purpose: Purpose; subjectId: string | null; prefix: string; ttlMs: number },
): Promise<{ secret: string; expiresAt: number }> {
  const now = clock.now();
  const secret = ids.secret(prefix);
  await deleteUnused(trx, purpose, subjectId);
  await insertOneUseSecret(trx, {
    secret_hash: sha256(secret),
    purpose,
    subject_id: subjectId,
    created_at: now,
    expires_at: now + ttlMs,
  });
  return { secret, expiresAt: now + ttlMs };
}

/** Uses a secret up. Null when it is wrong, used, expired or for another purpose. */
export async function useOneUseSecret(
  trx: Trx,
  { clock }: Pick<Deps, 'clock'>,
  { purpose, secret }: { purpose: Purpose; secret: string },
): Promise<{ subjectId: string | null } | null> {
  const used = await markUsed(trx, sha256(secret), purpose, clock.now());
  return used ? { subjectId: used.subject_id } : null;
}

/** Looks at a secret without using it up. */
export async function peekOneUseSecret(
  db: Db | Trx,
  { clock }: Pick<Deps, 'clock'>,
  { purpose, secret }: { purpose: Purpose; secret: string },
): Promise<{ subjectId: string | null; expiresAt: number } | null> {
  const found = await usableSecret(db, sha256(secret), purpose, clock.now());
  return found ? { subjectId: found.subject_id, expiresAt: found.expires_at } : null;
}
