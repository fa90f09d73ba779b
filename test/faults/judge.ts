/**
 * The independent checker: what was asked and acknowledged, against the effect ledger, the operator API and the audit log. It
 * believes nothing that the product keeps for itself.
 */
import assert from 'node:assert/strict';
import { isFinal } from '@countersign/protocol';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { Effects } from './effects.ts';
import { type Life, whileAlive } from './kills.ts';

/** One request of the workload. */
export interface Asked {
  /** Its line in the effect ledger, or `null` when its effect is something else. */
  readonly mark: string | null;
  readonly action: string;
  /** Whether an approver was told that the approval counts. */
  approved: boolean;
}

export interface Verdict {
  readonly action: string;
  readonly state: string;
  readonly effects: number | null;
  /** From the moment that everything ran again until the action was over, milliseconds. */
  readonly settledMs: number;
}

const STUCK_MS = 60_000;
const LOST = ['awaiting_approval', 'expired', 'withdrawn', 'denied'];

/** Waits until an approved action is over, or unknown with a reason, and holds it to the promises. */
export async function judgeAction(call: Call, effects: Effects, asked: Asked, life: Life): Promise<Verdict> {
  const { mark, action } = asked;
  const began = performance.now();
  const detail = await whileAlive(
    life,
    `${action} to be over within ${STUCK_MS / 1000} s`,
    async () => {
      const now = await call('getAction', { action });
      return (isFinal(now.state) || now.state === 'unknown') && now;
    },
    STUCK_MS,
  );
  const { approved } = asked;
  const { state, result, status } = detail;
  const said = `${action} is ${state}: ${status} ${JSON.stringify(result ?? detail.error)}`;
  if (approved) assert.ok(!LOST.includes(state), `an approval that was acknowledged is lost: ${said}`);
  if (state === 'unknown') assert.ok((result?.summary ?? status).length > 10, `unknown without a reason: ${said}`);
  const times = mark === null ? null : effects.of(mark);
  if (times !== null) {
    assert.ok(times <= 1, `${times} effects of one step: ${said}`);
    if (state === 'succeeded') assert.equal(times, 1, `succeeded without an effect: ${said}`);
    if (LOST.includes(state) || state === 'refused' || state === 'rejected')
      assert.equal(times, 0, `an effect of what never ran: ${said}`);
  }
  return { action, state, effects: times, settledMs: Math.round(performance.now() - began) };
}

/** At the end: every mark at most once, and an audit log that verifies. */
export async function judgeWhole(call: Call, effects: Effects, asked: readonly Asked[]): Promise<void> {
  const known = new Set(asked.map(({ mark }) => mark));
  for (const [mark, times] of effects.all()) {
    assert.equal(times, 1, `mark ${mark} happened ${times} times`);
    assert.ok(known.has(mark), `mark ${mark} happened and nobody asked for it`);
  }
  const { ok, problems } = await call('verifyAudit', {});
  assert.deepEqual(problems, []);
  assert.equal(ok, true);
}
