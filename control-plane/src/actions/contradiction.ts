/** A server that remembers another audit log than this database has: no change goes there (fault F18). */
import { type Fault, fault } from '@countersign/protocol';
import { contradictionOf } from '../fleet/witness.store.ts';
import type { ServerTable } from '../storage/tables.ts';

type Row = Pick<ServerTable, 'name' | 'contradiction_json'>;

/** `ledger_rolled_back` or `checkpoint_contradicts`, until both agree again or an owner accepts it; nothing while they agree. */
export function whyContradicted({ name, contradiction_json }: Row): Fault | undefined {
  const found = contradictionOf(contradiction_json);
  if (!found) return undefined;
  return found.kind === 'rolled_back'
    ? fault('ledger_rolled_back', { server: name, kept: found.size })
    : fault('checkpoint_contradicts', { size: found.entries, kept: found.size });
}
