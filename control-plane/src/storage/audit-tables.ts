/** The tables of the audit log, as `tables.ts` tells the others. */

export interface AuditEntryTable {
  seq: number;
  at: number;
  event: string;
  server_id: string | null;
  action_id: string | null;
  person_id: string | null;
  /** The whole entry as canonical JSON: what is hashed. */
  body: string;
  hash: string;
}
/** What entries are looked up by, a batch behind the log: see `audit-index.store.ts`. */
export type AuditIndexTable = Omit<AuditEntryTable, 'person_id' | 'body' | 'hash'>;
export interface AuditCheckpointTable {
  /** Number of entries that it covers. */
  size: number;
  head: string;
  /** C2SP signed note. */
  note: string;
  at: number;
}
