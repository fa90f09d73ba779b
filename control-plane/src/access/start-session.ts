/** Begins a session for a person who has just proved who they are. */
import type { Strength } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { appendEntry } from '../audit/ledger.ts';
import type { Trx } from '../storage/database.ts';
import type { AccessCore, Origin } from './access.ts';
import { CLI_SESSION_PREFIX, COOKIE_PREFIX } from './authenticate.ts';
import type { Person } from './person.store.ts';
import { deleteExpiredSessions, insertSession } from './session.store.ts';
import { sessionEnd } from './session-life.ts';

/** A person who signed in, with the secret that proves it from now on. Times are milliseconds since 1970. */
export interface SignedIn {
  readonly personId: string;
  readonly secret: string;
  readonly kind: 'dashboard' | 'cli';
  readonly expiresAt: number;
}

/** Begins a session, in the caller's transaction. The secret is returned once and kept as a hash. */
export async function startSession(
  trx: Trx,
  { clock, ids }: Pick<AccessCore, 'clock' | 'ids'>,
  person: Pick<Person, 'id' | 'name' | 'email'>,
  { kind, strength, from }: { kind: SignedIn['kind']; strength: Strength; from: Origin },
): Promise<SignedIn> {
  const now = clock.now();
  const secret = ids.secret(kind === 'cli' ? CLI_SESSION_PREFIX : COOKIE_PREFIX);
  const expiresAt = sessionEnd(kind, now);
  await deleteExpiredSessions(trx, now);
  await insertSession(trx, {
    id: ids.id('ses'),
    personId: person.id,
    secretHash: sha256(secret),
    kind,
    strength,
    ip: from.ip,
    userAgent: from.userAgent?.slice(0, 300) ?? null,
    at: now,
    expiresAt,
  });
  await appendEntry(trx, {
    event: 'person.signed_in',
    at: now,
    who: { person: { id: person.id, name: person.name }, token: null, client: null, ip: from.ip, by: 'person' },
    details: { kind, strength, email: person.email, user_agent: from.userAgent?.slice(0, 300) ?? null },
  });
  return { personId: person.id, secret, kind, expiresAt };
}
