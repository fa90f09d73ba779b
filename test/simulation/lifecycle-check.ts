/**
 * What must hold of actions, whatever happened: read from the store, from what people were answered and from the effect
 * ledger, with rules of its own. It shares no code with what it checks.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { Effect } from './effect-ledger.ts';

/** The arrows of design.md, section 4, once more. */
const ARROWS = new Set(
  [
    'null propose awaiting_approval|null propose approved|null propose denied',
    'awaiting_approval approve approved|awaiting_approval reject rejected|awaiting_approval withdraw withdrawn',
    'approved withdraw withdrawn|awaiting_approval expire expired|approved expire expired|approved revoke denied',
    'approved dispatch dispatched|dispatched start running|dispatched refuse refused|dispatched lose unknown',
    'running lose unknown|running succeed succeeded|running fail failed|running stop stopped|unknown succeed succeeded',
    'unknown fail failed|unknown stop stopped|unknown refuse refused|unknown close failed',
  ].flatMap((line) => line.split('|')),
);
const FINAL = new Set(['rejected', 'withdrawn', 'expired', 'denied', 'refused', 'succeeded', 'failed', 'stopped']);
/** Ends that say that nothing was done. */
const NOTHING_DONE = new Set(['rejected', 'withdrawn', 'expired', 'denied', 'refused']);
/** How far the server's clock may be off, and how long it may look again before it starts. */
const START_SLACK_MS = 60_000 + 1000;

export interface ActionFacts {
  readonly id: string;
  readonly state: string;
  readonly digest: string;
  readonly plan: string;
  readonly startBy: number | null;
  /** Whether a result of the runner is stored. */
  readonly hasResult: boolean;
  readonly history: readonly { from: string | null; event: string; to: string; note: string | null }[];
}

/** What people did about one action, as they remember it. */
export interface Remembered {
  /** How many different people have to approve; null when policy denies it whatever they say. */
  readonly needed: number | null;
  /** Who tried to approve the right digest and may. Whether it counted is not known when no answer came. */
  readonly approvers: ReadonlySet<string>;
  /** Answers that said that this very verdict decided. */
  readonly decisions: readonly string[];
}

/** Checks one action against everything that is known of it from elsewhere. */
export function checkAction(action: ActionFacts, remembered: Remembered, effects: readonly Effect[]): void {
  const at = `${action.id} (${action.state})`;
  checkHistory(action, at);
  assert.ok(remembered.decisions.length <= 1, `${at}: decided ${remembered.decisions.join(' and ')}`);
  const said = action.history.map(({ event }) => event);
  for (const decision of remembered.decisions)
    assert.ok(said.includes(decision), `${at}: ${decision} was acknowledged and is not in its history`);
  const runs = effects.filter(({ kind }) => kind === 'run');
  assert.ok(runs.length <= 1, `${at}: ${runs.length} effects`);
  assert.ok(effects.length - runs.length <= 1, `${at}: taken back ${effects.length - runs.length} times`);
  if (runs.length === 0) {
    assert.notEqual(action.state, 'succeeded', `${at}: without an effect`);
    return;
  }
  assert.ok(!NOTHING_DONE.has(action.state), `${at}: there was an effect`);
  assert.ok(said.includes('dispatch'), `${at}: an effect of what was never sent`);
  assert.ok(
    remembered.needed !== null && remembered.approvers.size >= remembered.needed,
    `${at}: an effect with ${remembered.approvers.size} of ${remembered.needed} approvals`,
  );
  assert.equal(sha256(action.plan), action.digest, `${at}: the plan is not the one of its digest`);
}

/** What was started was started within its window. `epoch`: the wall clock at the beginning. */
export function checkWindow({ id, startBy }: ActionFacts, effects: readonly Effect[], epoch: number): void {
  for (const { at, kind } of effects)
    if (kind === 'run')
      assert.ok(epoch + at <= (startBy ?? 0) + START_SLACK_MS, `${id}: started ${epoch + at - (startBy ?? 0)} ms late`);
}

/** When all is over: every action has its end, or nobody can know it and it is said why. */
export function checkEnded(action: ActionFacts): void {
  if (FINAL.has(action.state)) return;
  assert.equal(action.state, 'unknown', `${action.id} is stuck in ${action.state}`);
  const reason = action.history.at(-1)?.note ?? '';
  assert.ok(reason !== '' || action.hasResult, `${action.id} is unknown and nobody says why`);
}

function checkHistory({ history, state }: ActionFacts, at: string): void {
  let present: string | null = null;
  for (const { from, event, to } of history) {
    assert.equal(from, present, `${at}: ${event} does not follow`);
    assert.ok(ARROWS.has(`${from} ${event} ${to}`), `${at}: there is no arrow ${from} ${event} ${to}`);
    present = to;
  }
  assert.equal(present, state, `${at}: its history ends elsewhere`);
  const decided = history.filter(({ event }) => event === 'approve' || event === 'reject');
  assert.ok(decided.length <= 1, `${at}: decided twice`);
  assert.ok(history.filter(({ event }) => event === 'dispatch').length <= 1, `${at}: dispatched twice`);
}

/** While changes are paused none is sent. Takes the events of an audit log that begins and ends without a pause. */
export function checkPauses(events: readonly string[]): void {
  let paused = false;
  for (const event of events) {
    assert.ok(!(paused && event === 'action.dispatched'), 'a change was sent while changes were paused');
    if (event === 'dispatch.paused' || event === 'dispatch.resumed') paused = event === 'dispatch.paused';
  }
}

export interface AuditLine {
  readonly seq: number;
  readonly body: string;
  readonly hash: string;
}

/** Follows the chain of the audit log from its beginning, or from `before` on. Returns the last line. */
export function checkChain(lines: readonly AuditLine[], before?: AuditLine): AuditLine | undefined {
  let last = before;
  for (const line of lines) {
    const body = JSON.parse(line.body) as { seq: number; prev: string };
    assert.equal(line.seq, (last?.seq ?? 0) + 1, 'the audit log has a gap');
    assert.equal(body.seq, line.seq, 'an audit entry is out of place');
    assert.equal(body.prev, last?.hash ?? '0'.repeat(64), `audit entry ${line.seq} does not follow the one before`);
    assert.equal(sha256(line.body), line.hash, `audit entry ${line.seq} was changed`);
    last = line;
  }
  return last;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
