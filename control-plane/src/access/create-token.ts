/** Makes a token for an assistant. A token can read and ask, never decide. */

import { isoTime } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { TOKEN_PREFIX } from './authenticate.ts';
import { insertToken, type Token } from './token.store.ts';

const DAY_MS = 86_400_000;

type Deps = Pick<AccessCore, 'db' | 'clock' | 'ids'>;

interface Wanted {
  readonly name: string;
  readonly scope: Token['scope'];
  readonly days?: number | undefined;
}

/** Makes a token of the caller. The secret is returned once and kept as a hash. Without `days` it never expires. */
export function createToken(deps: Deps, caller: Caller, wanted: Wanted): Promise<{ token: Token; secret: string }> {
  return write(deps.db, 'access.create_token', (trx) => makeToken(trx, deps, caller, wanted));
}

/** The same as {@link createToken}, in the caller's transaction. */
export async function makeToken(
  trx: Trx,
  { clock, ids }: Pick<Deps, 'clock' | 'ids'>,
  caller: Caller,
  { name, scope, days }: Wanted,
): Promise<{ token: Token; secret: string }> {
  const now = clock.now();
  const secret = ids.secret(TOKEN_PREFIX);
  const row = {
    id: ids.id('tok'),
    person_id: caller.person.id,
    name,
    scope,
    secret_hash: sha256(secret),
    created_at: now,
    expires_at: days === undefined ? null : now + days * DAY_MS,
  };
  await insertToken(trx, row);
  await appendEntry(trx, {
    event: 'token.created',
    at: now,
    who: whoOf(caller),
    details: { name, scope, expires_at: row.expires_at === null ? null : isoTime(row.expires_at) },
  });
  return { token: { ...row, last_used_at: null, last_client: null, revoked_at: null }, secret };
}
