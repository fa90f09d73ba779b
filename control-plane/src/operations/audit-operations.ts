/** The audit log for readers, its verification, and the policy in force. */
import { fault, isoTime, type Json } from '@countersign/protocol';
import type { AuditEntryView } from '@countersign/protocol/operator-api/index';
import { type AcceptRollbackDeps, acceptRollback } from '../audit/accept-rollback.ts';
import { newestEntries } from '../audit/audit-index.store.ts';
import { type EntryBody, visibleDetails } from '../audit/entry.ts';
import { type VerifyAuditDeps, verifyAudit } from '../audit/verify-audit.ts';
import { resolveServer } from '../fleet/resolve-server.ts';
import { namesOfServers } from '../fleet/server.store.ts';
import type { PolicyBook } from '../policy/policy-book.ts';
import type { AuditEntryTable } from '../storage/audit-tables.ts';
import type { Handlers } from './handler.ts';

export interface AuditOperationsDeps extends VerifyAuditDeps, AcceptRollbackDeps {
  readonly policy: PolicyBook;
}

export function auditOperations(
  deps: AuditOperationsDeps,
): Pick<Handlers, 'getAuditLog' | 'verifyAudit' | 'acceptRollback' | 'getPolicy'> {
  const { db } = deps;
  return {
    getAuditLog: async (caller, { server, action, event, since, cursor, limit }) => {
      const serverId = server === undefined ? undefined : (await resolveServer(db, server)).id;
      const filter = { serverId, actionId: action, event, since: since === undefined ? undefined : Date.parse(since) };
      const rows = await newestEntries(db, filter, numberOf(cursor), limit + 1);
      const page = rows.slice(0, limit);
      const last = page.at(-1);
      const names = await namesOfServers(db, [...new Set(page.flatMap((row) => row.server_id ?? []))]);
      const reader = caller.token ? 'token' : 'person';
      return {
        entries: page.map((row) => entryView(row, names, reader)),
        next_cursor: last && rows.length > limit ? String(last.seq) : null,
      };
    },
    verifyAudit: (caller, { against_servers }) => verifyAudit(deps, caller, { againstServers: against_servers }),
    acceptRollback: async (caller, input) => {
      await acceptRollback(deps, caller, input);
      return { done: true };
    },
    getPolicy: async () => {
      const { yaml, source, sha256, problems } = await deps.policy.current();
      return { yaml, source, sha256, problems: [...problems] };
    },
  };
}

function numberOf(cursor: string | undefined): number {
  if (cursor === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^\d{1,15}$/.test(cursor)) throw fault('invalid_input', { problems: 'cursor: not one that was given out here' });
  return Number(cursor);
}

/** A token sees neither sensitive details nor where people sit. */
function entryView(
  row: AuditEntryTable,
  names: ReadonlyMap<string, string>,
  reader: 'person' | 'token',
): AuditEntryView {
  const body = JSON.parse(row.body) as EntryBody;
  return {
    seq: body.seq,
    at: isoTime(body.at),
    event: body.event,
    who: { ...body.who, ip: reader === 'token' ? null : body.who.ip },
    server: body.server === null ? null : { id: body.server, name: names.get(body.server) ?? body.server },
    action: body.action,
    details: visibleDetails(body.event, body.details as Record<string, Json>, reader) as AuditEntryView['details'],
    hash: row.hash,
  };
}
