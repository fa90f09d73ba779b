/** The first owner, made with the secret of the setup link; and the way back in when nobody can sign in any more. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import { afterCommit } from '../storage/after-commit.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import type { AccessCore, Origin } from './access.ts';
import { makeOneUseSecret, peekOneUseSecret, useOneUseSecret } from './one-use.ts';
import { deletePasskeysOf } from './passkey.store.ts';
import { countOwners, insertPerson, personByEmail, updatePerson } from './person.store.ts';
import { deleteSessionsOf } from './session.store.ts';
import { type SignedIn, startSession } from './start-session.ts';

export const SETUP_PREFIX = 'csu_';
const SETUP_MS = 15 * 60_000;

/**
 * Makes the secret of a setup link; the one before ends. Only who can write the data folder gets to call this. Made while
 * there is an owner already, it lets that machine's operator make another owner, or give one a new password.
 */
export function makeSetupSecret(
  deps: Pick<AccessCore, 'db' | 'clock' | 'ids'>,
): Promise<{ secret: string; expiresAt: number }> {
  return write(deps.db, async (trx) => {
    const recovery = (await countOwners(trx)) > 0;
    await appendEntry(trx, {
      event: 'setup.link_made',
      at: deps.clock.now(),
      who: whoIs('system'),
      details: { recovery },
    });
    return makeOneUseSecret(trx, deps, { purpose: 'setup', subjectId: null, prefix: SETUP_PREFIX, ttlMs: SETUP_MS });
  });
}

/** Whether nobody can sign in as an owner yet. */
export async function setupNeeded(deps: Pick<AccessCore, 'db'>): Promise<boolean> {
  return (await countOwners(deps.db)) === 0;
}

export interface SetupRequest {
  readonly secret: string;
  readonly email: string;
  readonly name: string;
  readonly password: string;
  readonly kind: SignedIn['kind'];
}

/**
 * Makes the owner and signs them in. Rejects with `setup_link_invalid` when the secret is wrong, used or too old. Of two who
 * send the same secret at once, one is refused.
 */
export async function setUp(deps: AccessCore, request: SetupRequest, from: Origin): Promise<SignedIn> {
  const attempt = deps.attempts.begin(`setup from ${from.ip}`, from.ip);
  const usable = await peekOneUseSecret(deps.db, deps, { purpose: 'setup', secret: request.secret });
  if (usable === null) return refuse(deps, from);
  const passwordHash = await deps.passwords.hash(request.password);
  const signedIn = await write(deps.db, async (trx) => {
    const used = await useOneUseSecret(trx, deps, { purpose: 'setup', secret: request.secret });
    return used === null ? null : makeOwner(trx, deps, request, passwordHash, from);
  });
  if (signedIn === null) return refuse(deps, from);
  attempt.succeeded();
  return signedIn;
}

async function makeOwner(trx: Trx, deps: AccessCore, request: SetupRequest, passwordHash: string, from: Origin) {
  const now = deps.clock.now();
  const { email, name } = request;
  const known = await personByEmail(trx, email);
  const id = known?.id ?? deps.ids.id('prs');
  if (known) {
    await updatePerson(trx, id, {
      ...{ name, role: 'owner', password_hash: passwordHash },
      ...{ totp_sealed: null, totp_confirmed: 0, totp_last_step: 0 },
    });
    await deletePasskeysOf(trx, id);
    await deleteSessionsOf(trx, id);
    afterCommit(trx, () => deps.accessEnded({ personId: id }));
  } else await insertPerson(trx, { id, email, name, role: 'owner', passwordHash, at: now });
  await appendEntry(trx, {
    event: 'setup.finished',
    at: now,
    who: { person: { id, name }, token: null, client: null, ip: from.ip, by: 'person' },
    details: { email, role: 'owner' },
  });
  return startSession(trx, deps, { id, name, email }, { kind: request.kind, strength: 'session', from });
}

async function refuse(deps: AccessCore, from: Origin): Promise<never> {
  const done = !(await setupNeeded(deps));
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'setup.refused',
      at: deps.clock.now(),
      who: whoIs('stranger', from.ip),
      details: { why: done ? 'set up already' : 'wrong, used or expired link' },
    }),
  );
  throw fault(done ? 'setup_done' : 'setup_link_invalid');
}
