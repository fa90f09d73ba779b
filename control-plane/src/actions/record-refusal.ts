/** Keeps in the audit log that a request for a change was refused, unless the caller only mistyped or the server was away. */
import type { Fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller, Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { operationOf, type Wanted } from './wanted.ts';

const mistyped: readonly string[] = ['invalid_input', 'playbook_not_found', 'server_not_found', 'file_not_found'];

export async function recordRefusal(
  { db, clock }: Pick<Core, 'db' | 'clock'>,
  caller: Caller,
  serverId: string,
  wanted: Wanted,
  fault: Fault,
): Promise<void> {
  // That a server is away or slow is no decision of anybody, and callers try again: the log would be full of it.
  if (mistyped.includes(fault.code) || (fault.blame === 'server' && fault.body.retryable)) return;
  await write(db, (trx) =>
    appendEntry(trx, {
      event: 'request.refused',
      at: clock.now(),
      who: whoOf(caller),
      serverId,
      details: { tool: operationOf[wanted.kind], error: fault.code, message: fault.message },
    }),
  );
}
