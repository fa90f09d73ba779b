/** Makes an address at which another system reports its alerts. */
import { sha256 } from '@countersign/protocol/digest';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { type HookRow, insertHook } from './hook.store.ts';

export const HOOK_PREFIX = 'csh_';

/** `secret` is shown once; only its SHA-256 is kept. */
export async function createHook(
  deps: Pick<Core, 'db' | 'clock' | 'ids'>,
  who: Who,
  wanted: Pick<HookRow, 'name' | 'kind'>,
): Promise<{ readonly id: string; readonly secret: string }> {
  const id = deps.ids.id('hok');
  const secret = deps.ids.secret(HOOK_PREFIX);
  const at = deps.clock.now();
  await write(deps.db, async (trx) => {
    const row = { id, ...wanted, secret_hash: sha256(secret), created_at: at, last_used_at: null, removed_at: null };
    await insertHook(trx, row);
    await appendEntry(trx, { event: 'hook.created', at, who, details: { name: wanted.name, kind: wanted.kind } });
  });
  return { id, secret };
}
