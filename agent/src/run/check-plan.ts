/** The readings around a plan: preconditions and what must stay before it, and after it the check, at once and once more after a stability window. */
import {
  type ActionResult,
  comparedWithBefore,
  delay,
  Fault,
  fault,
  type PlanProbe,
  unmet,
} from '@countersign/protocol';
import { failPoint } from '../fail-points.ts';
import { type Before, beforeSchema } from './journal-entries.ts';
import { observe } from './observe.ts';
import { messageHere, sentence } from './perform-step.ts';
import type { Run } from './run.ts';

type Check = NonNullable<ActionResult['check']>;
type Reading = Readonly<Record<string, unknown>>;

const PROBE_MS = 30_000;

/** Why the preconditions do not hold, one sentence each; empty when they do. Rejects when the run is stopped. */
export async function preconditionsUnmet(run: Run): Promise<string[]> {
  const reasons: string[] = [];
  for (const probe of run.plan.preconditions) {
    const read = await readProbe(run, probe, run.stop);
    reasons.push(...(read.problem === null ? unmet(probe.expect, read.reading) : [read.problem]));
  }
  return reasons.map((reason) => sentence(run, reason));
}

/**
 * What the probes of the check compare with later: of each, the fields that must be as before, as they are now. Rejects with
 * the fault `precondition_failed` when one cannot be read, and when the run is stopped.
 */
export async function readBefore(run: Run): Promise<Before[]> {
  const before: Before[] = [];
  for (const probe of run.plan.check.probes) {
    const fields = comparedWithBefore(probe.expect);
    const { reading, problem } = fields.length === 0 ? NOTHING_READ : await readProbe(run, probe, run.stop);
    const values = beforeSchema.safeParse(Object.fromEntries(fields.map((field) => [field, reading[field]])));
    const reason = problem ?? `${probe.capability} does not say ${fields.join(', ')}`;
    if (!values.success) throw fault('precondition_failed', { reason: sentence(run, reason) });
    before.push(values.data);
  }
  return before;
}

/** Checks a plan that was carried out; `null` when it has nothing to check. Rejects when the run is stopped. */
export async function checkPlan(run: Run): Promise<Check | null> {
  const { probes, settle_ms, stable_ms } = run.plan.check;
  if (probes.length === 0) return null;
  run.tell('check', 'checking');
  await delay(run.ports.clock, settle_ms, run.stop);
  failPoint('run.check.before_first');
  const first = await readAll(run, probes, []);
  if (!first.passed || stable_ms === 0) return first.check();
  await delay(run.ports.clock, stable_ms, run.stop);
  failPoint('run.check.before_second');
  const second = await readAll(run, probes, first.values);
  return { passed: second.passed, readings: [...first.readings, ...second.readings] };
}

/** Reads the check once, to say what the state is. Never rejects; nothing is concluded from it. */
export async function probeOnce(run: Run): Promise<Check | null> {
  if (run.plan.check.probes.length === 0) return null;
  return (await readAll(run, run.plan.check.probes, [], new AbortController().signal)).check();
}

async function readAll(run: Run, probes: readonly PlanProbe[], earlier: readonly Reading[], signal = run.stop) {
  const readings: Check['readings'] = [];
  const values: Reading[] = [];
  const before = run.journal.find(run.actionId)?.started?.before ?? [];
  for (const [index, probe] of probes.entries()) {
    const { reading, problem } = await readProbe(run, probe, signal);
    const reasons =
      problem === null ? unmet(probe.expect, reading, { earlier: earlier[index], before: before[index] }) : [problem];
    const passed = reasons.length === 0;
    const said = sentence(run, passed ? asExpected(probe, reading) : reasons.join('; '));
    readings.push({ capability: probe.capability, passed, said, at: run.ports.clock.now() });
    values.push(reading);
  }
  const passed = readings.every((reading) => reading.passed);
  return { passed, readings, values, check: (): Check => ({ passed, readings }) };
}

interface Read {
  readonly reading: Reading;
  /** Why it could not be read, or `null`. */
  readonly problem: string | null;
}

const NOTHING_READ: Read = { reading: {}, problem: null };

async function readProbe(run: Run, probe: PlanProbe, signal: AbortSignal): Promise<Read> {
  const { capability, parameters } = probe;
  try {
    const reading = await observe(run.ports, run.policy, { capability, parameters, timeoutMs: PROBE_MS }, signal);
    return { reading: reading as Reading, problem: null };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { reading: {}, problem: messageHere(run, error) };
  }
}

function asExpected(probe: PlanProbe, reading: Reading): string {
  const fields = Object.keys(probe.expect).map((field) => `${field} is ${JSON.stringify(reading[field])}`);
  return fields.length === 0 ? 'it could be read' : fields.join(', ');
}
