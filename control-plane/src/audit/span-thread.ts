/** A thread that reads entries of the store for `verify-ledger.ts`, and looks whether they are whole. */
import { parentPort, workerData } from 'node:worker_threads';
import { openRows } from '../storage/database-rows.ts';
import type { SpanQuestion } from './span-threads.ts';
import { indexedSql } from './stored-entry.ts';
import { wholeSpans } from './whole-span.ts';

const rows = openRows(
  (workerData as { readonly path: string }).path,
  `select seq, at, event, server_id, action_id, person_id, body, hash, ${indexedSql} from audit_entry
   where seq > ? and seq <= ? order by seq`,
);

parentPort?.on('message', ({ after, upTo, cuts }: SpanQuestion) =>
  parentPort?.postMessage(wholeSpans(rows(after, upTo), new Set(cuts))),
);
