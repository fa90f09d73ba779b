/** A human confirms that a server can still be reached after a change that could have locked everybody out. */
import { type ApproverSignature, type Fault, fault, type LockState } from '@countersign/protocol';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { holderOf, holdersThatSigned, whyNotCounted } from '@countersign/protocol/follow-lock';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { channelOf } from '../audit/who.ts';
import { failPoint } from '../fail-points.ts';
import { serverById } from '../fleet/server.store.ts';
import type { Caller } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import type { ActionTable } from '../storage/tables.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { actionById, updateActionIn } from './action.store.ts';
import type { ActionDeps } from './action-deps.ts';
import { tellAfterCommit } from './apply-transition.ts';
import { commitOrRefuse, Refusal } from './commit-or-refuse.ts';
import { type Confirmation, type Confirmations, confirmationsOf, isConfirming } from './confirmations.ts';
import { lockOf } from './server-lock.ts';

export type ConfirmDeps = Pick<ActionDeps, 'db' | 'clock' | 'live' | 'log' | 'followers' | 'fleet'>;

interface Given {
  readonly actionId: string;
  /** Over the `confirmationDigest` of the action; a locked server asks for it. */
  readonly signature?: ApproverSignature | undefined;
}

/**
 * Keeps the confirmation. On a locked server it counts holders that signed, as many as the lock asks for at this risk; when
 * there are enough, and elsewhere at once, the server is told. One that cannot be told now is told again by the sweep.
 * Rejects with `action_not_found`, `nothing_to_confirm`, `signature_needed`, `signature_invalid`.
 */
export async function confirmAction(deps: ConfirmDeps, caller: Caller, given: Given): Promise<void> {
  const kept = await commitOrRefuse(deps.db, 'actions.confirm', async (trx) => {
    const row = await actionById(trx, given.actionId);
    if (!row) throw fault('action_not_found', { action: given.actionId });
    const server = await serverById(trx, row.server_id);
    const lock = server ? lockOf(server) : null;
    const refused = objection(row, lock, server?.name ?? row.server_id, given.signature);
    if (refused) return refuse(deps, trx, caller, row, refused);
    return { row, confirmations: await keep(deps, trx, caller, { row, lock, given }) };
  });
  if (kept.confirmations.complete) await sendConfirmation(deps, kept.row, kept.confirmations);
}

/** Tells the server; that it cannot be told now is logged, since the sweep tries again until the action ends. */
export async function sendConfirmation(
  { fleet, log }: Pick<ActionDeps, 'fleet' | 'log'>,
  row: Pick<ActionTable, 'id' | 'server_id'>,
  { given }: Confirmations,
): Promise<void> {
  failPoint('actions.confirm.before_send');
  try {
    await fleet.confirm(
      row.server_id,
      row.id,
      given.flatMap(({ signature }) => (signature === null ? [] : [signature])),
    );
  } catch (error) {
    log.warn('action.confirmation_not_sent', { action: row.id, error });
  }
}

function objection(
  row: ActionTable,
  lock: LockState | null,
  server: string,
  signature: ApproverSignature | undefined,
): Fault | undefined {
  if (!isConfirming(row)) return fault('nothing_to_confirm', { action: row.id, state: row.state });
  if (lock === null) return undefined;
  if (signature === undefined) return fault('signature_needed', { server });
  const reason = whyNotCounted(lock, confirmationDigest(row.id, row.digest), signature);
  return reason === null ? undefined : fault('signature_invalid', { reason });
}

async function keep(
  deps: ConfirmDeps,
  trx: Trx,
  caller: Caller,
  { row, lock, given }: { row: ActionTable; lock: LockState | null; given: Given },
): Promise<Confirmations> {
  const at = deps.clock.now();
  const signature = lock === null ? null : (given.signature ?? null);
  const mine: Confirmation = { person: { id: caller.person.id, name: caller.person.name }, at, signature };
  const before = confirmationsOf(row);
  const others = before.given.filter((one) => !sameHolder(lock, one, mine));
  const all = [...others, mine];
  const needed = lock?.signatures[row.risk] ?? 1;
  const count = lock === null ? all.length : countOf(lock, row, all);
  const confirmations: Confirmations = { given: all, needed, complete: before.complete || count >= needed };
  await updateActionIn(trx, row.id, row.state, { confirm_json: JSON.stringify(confirmations) });
  const about = { at, serverId: row.server_id, actionId: row.id };
  const details = {
    channel: channelOf(caller),
    signed_with: signature?.key ?? null,
    digest: row.digest,
    given: count,
    needed,
  };
  await appendEntry(trx, { event: 'action.confirmed', ...about, who: whoOf(caller), details });
  await addToTimeline(trx, { ...about, kind: 'approval', title: `Confirmed: ${row.title}`, by: caller.person.name });
  tellAfterCommit(deps, trx, row);
  return confirmations;
}

function countOf(lock: LockState, row: ActionTable, all: readonly Confirmation[]): number {
  const signatures = all.flatMap(({ signature }) => (signature === null ? [] : [signature]));
  return holdersThatSigned(lock, confirmationDigest(row.id, row.digest), signatures).size;
}

/** Whether one confirmation stands in for another: of the same holder, or without a lock of the same person. */
function sameHolder(lock: LockState | null, one: Confirmation, other: Confirmation): boolean {
  if (lock === null || one.signature === null || other.signature === null) return one.person.id === other.person.id;
  return holderOf(lock, one.signature.key) === holderOf(lock, other.signature.key);
}

async function refuse(
  { clock }: ConfirmDeps,
  trx: Trx,
  caller: Caller,
  row: ActionTable,
  refused: Fault,
): Promise<Refusal> {
  await appendEntry(trx, {
    event: 'confirmation.refused',
    at: clock.now(),
    who: whoOf(caller),
    serverId: row.server_id,
    actionId: row.id,
    details: { error: refused.code, message: refused.message },
  });
  return new Refusal(refused);
}
