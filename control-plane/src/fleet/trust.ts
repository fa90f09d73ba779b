/** Whom a server believes, in plain words, and what it keeps of the audit log. */
import { isoTime, type LockState, risks } from '@countersign/protocol';
import { isLocked } from '@countersign/protocol/agent-wire/facts';
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { contradictionWith } from '../audit/judge-witnessed.ts';
import { acceptedRollback, isAccepted } from '../audit/rollback.store.ts';
import { toldPolicy } from '../lock/lock-view.ts';
import type { Db } from '../storage/database.ts';
import { isQuarantined } from './quarantine.store.ts';
import type { ServerRow } from './server.store.ts';
import { keptWitnessOf } from './witness.store.ts';

const PLAIN = 'This server trusts the control plane: whoever controls it can run what the server’s policy allows.';

const QUARANTINED =
  'A second agent used its identity: no change goes there until it is enrolled anew or an owner releases it.';

/** Whom the server believes; and, where its memory contradicts the audit log, that it does. */
export async function trustSentence(db: Db, row: ServerRow): Promise<string> {
  const contradiction = await contradictionSentence(db, row);
  const quarantined = (await isQuarantined(db, row.id)) ? QUARANTINED : null;
  return [belief(row), contradiction, quarantined].filter((sentence) => sentence !== null).join(' ');
}

function belief({ policy_json }: Pick<ServerRow, 'policy_json'>): string {
  const policy = toldPolicy(policy_json);
  if (policy === null) return 'This server has not told its policy yet, so it is not known whom it believes.';
  if (policy.mode === 'observe')
    return 'This server only lets itself be read: it makes no change, whoever asks and whoever signs.';
  const { lock } = policy;
  if (lock === null) return PLAIN;
  if (!isLocked(policy)) return `${PLAIN} Its lock was ended with the recovery secret.`;
  return `This server runs a change only with signatures of its approvers: ${needed(lock)}. The control plane cannot sign for them.`;
}

/** `2 of 3 (Ada, Bo, Cy)`, or the numbers by risk where they differ. */
function needed({ keys, signatures }: LockState): string {
  const holders = [...new Set(keys.map(({ holder }) => holder))];
  const numbers = risks.map((risk) => signatures[risk]);
  const of = `of ${holders.length} (${holders.join(', ')})`;
  if (new Set(numbers).size === 1) return `${numbers[0]} ${of}`;
  return `${risks.map((risk) => `${signatures[risk]} for ${risk} risk`).join(', ')}, ${of}`;
}

/** What the server keeps of the audit log, and whether this database still has it so. */
export async function witnessView(db: Db, row: ServerRow): Promise<ServerDetail['witness']> {
  const kept = keptWitnessOf(row.witness_json);
  if (kept === null) return null;
  const agrees = row.contradiction_json === null && (await contradictionWith(db, kept, kept.at)) === null;
  return { size: kept.size, at: isoTime(kept.at), agrees };
}

async function contradictionSentence(db: Db, row: ServerRow): Promise<string | null> {
  const kept = keptWitnessOf(row.witness_json);
  if (row.contradiction_json !== null)
    return 'It remembers audit entries that this database does not have, or has differently: no change goes there until an owner accepts that.';
  if (kept === null || (await contradictionWith(db, kept, kept.at)) === null) return null;
  const accepted = await acceptedRollback(db);
  return accepted !== null && isAccepted(accepted, kept)
    ? `It remembers audit entries that this database does not have; ${accepted.by} accepted that on ${isoTime(accepted.at)}.`
    : null;
}
