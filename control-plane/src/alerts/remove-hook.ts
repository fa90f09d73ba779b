/** Ends a webhook: its secret is refused from now on. */
import { fault } from '@countersign/protocol';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { hookById, saveHookRemoved } from './hook.store.ts';

/** Rejects with `not_found` when there is no such hook, or no more. */
export async function removeHook(deps: Pick<Core, 'db' | 'clock'>, who: Who, id: string): Promise<void> {
  await write(deps.db, async (trx) => {
    const hook = await hookById(trx, id);
    if (hook === undefined) throw fault('not_found', { what: 'webhook', id });
    const at = deps.clock.now();
    await saveHookRemoved(trx, id, at);
    await appendEntry(trx, { event: 'hook.removed', at, who, details: { name: hook.name } });
  });
}
