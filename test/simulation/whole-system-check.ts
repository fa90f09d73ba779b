/**
 * What must hold when a simulation is over. It reads the store, the audit log, every server's journal, every card and the
 * effect ledger, and compares them with each other.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { verifyLedger } from '@countersign/control-plane/audit/verify-ledger';
import type { Effect } from './effect-ledger.ts';
import { type ActionFacts, checkAction, checkChain, checkEnded, checkPauses } from './lifecycle-check.ts';
import { factsOf } from './real-control-plane.ts';
import { controlPlaneKey } from './simulated-heart.ts';
import type { SimulatedServer } from './simulated-server.ts';
import type { WholeSystem } from './whole-system.ts';

const APPROVALS: Readonly<Record<string, number | null>> = { low: 0, medium: 1, high: 2, critical: null };
/** A start comes this long after the runner looked at its clock, at most. */
const LOOK_AGAIN_MS = 2000;

export async function checkWholeSystem(system: WholeSystem): Promise<void> {
  assert.deepEqual(system.defects, [], 'the product met a defect of its own');
  assert.deepEqual(system.crowd.problems, [], 'somebody was answered with something that is no fault of the catalogue');
  const rows = await system.reader.selectFrom('action').select(['id', 'risk', 'server_id']).execute();
  const facts = await factsOf(
    system.reader,
    rows.map(({ id }) => id),
  );
  for (const action of facts) {
    const row = rows.find(({ id }) => id === action.id);
    const effects = system.ledger.of(action.id);
    checkAction(action, { ...system.crowd.memoryOf(action.id), needed: APPROVALS[row?.risk ?? ''] ?? null }, effects);
    checkEnded(action);
    checkStart(action, effects);
    for (const { serverId } of effects) assert.equal(serverId, row?.server_id, `${action.id}: an effect elsewhere`);
    assert.equal(
      system.cards.get(action.id) ?? action.state,
      action.state,
      `${action.id}: its card shows something else`,
    );
  }
  for (const { actionId } of system.ledger.effects)
    assert.ok(
      facts.some(({ id }) => id === actionId),
      `an effect of ${actionId}, which nobody knows`,
    );
  const ignored = await checkAudit(system, facts);
  const told = new Set<unknown>([...ignored, ...system.endsNotWritten]);
  for (const server of system.servers) checkJournal(server, { facts, told, effects: system.ledger.effects });
}

/** The server's own clock is the judge of the window. */
function checkStart({ id, startBy }: ActionFacts, effects: readonly Effect[]): void {
  for (const { kind, serverClock } of effects)
    if (kind === 'run')
      assert.ok(
        serverClock <= (startBy ?? 0) + LOOK_AGAIN_MS,
        `${id}: started ${serverClock - (startBy ?? 0)} ms late`,
      );
}

/** Returns the actions of which a report came too late to change anything: the log says so. */
async function checkAudit({ reader }: WholeSystem, facts: readonly ActionFacts[]): Promise<ReadonlySet<string>> {
  const lines = await reader.selectFrom('audit_entry').select(['seq', 'body', 'hash']).orderBy('seq').execute();
  checkChain(lines);
  const verdict = await verifyLedger({ db: reader, publicKey: controlPlaneKey.publicKey });
  assert.deepEqual(verdict.problems, [], 'the audit log does not verify');
  const told = lines.map(
    ({ body }) => JSON.parse(body) as { event: string; action: string | null; details: { to?: string } },
  );
  for (const { id, state, history } of facts) {
    const moves = told.filter(({ action, details }) => action === id && details.to !== undefined);
    assert.equal(moves.length, history.length - 1, `${id}: the audit log tells of ${moves.length} changes`);
    if (moves.length > 0) assert.equal(moves.at(-1)?.details.to, state, `${id}: the audit log ends elsewhere`);
  }
  checkPauses(told.map(({ event }) => event));
  const alarms = told.filter(({ event }) => event.includes('contradict'));
  assert.deepEqual(alarms, [], 'a server contradicts a log that nobody touched');
  return new Set(told.flatMap(({ event, action }) => (event === 'report.ignored' && action ? [action] : [])));
}

interface JournalLine {
  readonly n: number;
  readonly previous: string;
  readonly hash: string;
  readonly entry: { readonly kind: string; readonly actionId: string; readonly result: { readonly outcome: string } };
}

/** A server's journal is whole, holds an intent for each effect, and ends as the control plane says. */
function checkJournal(
  server: SimulatedServer,
  {
    facts,
    told,
    effects,
  }: {
    readonly facts: readonly ActionFacts[];
    /** Of these two ends were told, or one that is not in the journal. */
    readonly told: ReadonlySet<unknown>;
    readonly effects: readonly Effect[];
  },
): void {
  const lines = (server.disk.textOf('runner/journal.ndjson') ?? '').split('\n').slice(0, -1).map(parseLine);
  let head = '0'.repeat(64);
  for (const line of lines) {
    assert.equal(line.previous, head, `line ${line.n} of the journal does not follow`);
    head = line.hash;
  }
  const of = (kind: string) => lines.filter(({ entry }) => entry.kind === kind).map(({ entry }) => entry);
  const intents = of('intent').map(({ actionId }) => actionId);
  assert.equal(new Set(intents).size, intents.length, 'an action has two intents');
  for (const { actionId, serverId } of effects)
    assert.ok(serverId !== server.serverId || intents.includes(actionId), `${actionId}: an effect without an intent`);
  for (const { actionId, result } of of('result')) {
    const action = facts.find(({ id }) => id === actionId);
    // An end that a full disk did not take is told all the same; when that runner is killed, the next one finds another, which
    // the control plane ignores, or the link does that has the first one still.
    assert.ok(
      told.has(actionId) || action?.state === result.outcome,
      `${actionId} is ${action?.state}, its server says ${result.outcome}`,
    );
  }
}

/** Checks the hash of a line with nothing of ours: canonical JSON has its members in the order of their names. */
function parseLine(text: string): JournalLine {
  const line = JSON.parse(text) as JournalLine;
  const body = text.replace(`"hash":"${line.hash}",`, '');
  assert.equal(createHash('sha256').update(body).digest('hex'), line.hash, `line ${line.n} of the journal was changed`);
  return line;
}
