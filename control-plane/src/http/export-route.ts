/** `GET /api/v1/audit/export`: the whole audit log as NDJSON, for people only; `countersign audit verify` checks it offline. */
import { Readable } from 'node:stream';
import { fault, isoTime } from '@countersign/protocol';
import type { FastifyInstance } from 'fastify';
import { mayCall } from '../access/permissions.ts';
import type { CheckpointDeps } from '../audit/checkpoint.ts';
import { exportAudit } from '../audit/export.ts';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { write } from '../storage/write.ts';
import { type Authenticate, callerOf, type Place } from './caller.ts';

export interface ExportRouteDeps extends Omit<CheckpointDeps, 'log'> {
  readonly authenticate: Authenticate;
  readonly place: Place;
}

export function exportRoute(app: FastifyInstance, deps: ExportRouteDeps): void {
  app.get('/api/v1/audit/export', async (request, reply) => {
    const caller = await callerOf(request, deps);
    const allowed = mayCall(caller, 'person');
    if (allowed !== true) throw fault(allowed, { what: 'audit export' });
    const lines = exportAudit(deps);
    const first = await lines.next();
    if (caller && !first.done) await noteExport(deps, caller, first.value);
    async function* whole() {
      if (!first.done) yield first.value;
      yield* lines;
    }
    const day = isoTime(deps.clock.now()).slice(0, 10);
    return reply
      .type('application/x-ndjson')
      .header('cache-control', 'no-store')
      .header('content-disposition', `attachment; filename="countersign-audit-${day}.ndjson"`)
      .send(Readable.from(whole()));
  });
}

/** That the log was exported is on record too, in the next export. */
async function noteExport(deps: ExportRouteDeps, caller: Caller, header: string): Promise<void> {
  const { entries, head } = JSON.parse(header) as { entries: number; head: string };
  await write(deps.db, (trx) =>
    appendEntry(trx, {
      event: 'audit.exported',
      at: deps.clock.now(),
      who: whoOf(caller),
      details: { entries, head },
    }),
  );
}
