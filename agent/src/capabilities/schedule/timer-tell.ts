/** A scheduled job: run now, paused, or resumed. Sources: systemctl(1), systemd.timer(5). */
import { capability, fault, type ParametersOf, type StepResult, type WitnessFact } from '@countersign/protocol';
import { z } from 'zod';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { printJournal, readJournal } from '../logs/journal.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { readTimer } from './timer-state.ts';
import { type Job, readJobs } from './timers.ts';

type Parameters = ParametersOf<'timer.tell'>;
const memorySchema = z.object({ timer: z.string(), job: z.string(), active: z.boolean() });

export const timerTell: Changer<'timer.tell'> = {
  predictable: true,
  undoAgain: true,
  irreversible: ({ verb }) => verb === 'run',
  async preview(parameters, context) {
    const { timer, job, active } = await requireTimer(parameters, context);
    return {
      preview: {
        argv: [argvOf(parameters.verb, timer, job.name)],
        diff: null,
        effects: [effectOf(parameters.verb, timer, job, active)],
        undo: parameters.verb === 'run' ? null : `${timer} is ${active ? 'started' : 'stopped'} again, as it is now.`,
      },
      witness: witnessOf(timer, active, job),
    };
  },
  async remember(parameters, context) {
    const { timer, job, active } = await requireTimer(parameters, context);
    return { timer, job: job.name, active };
  },
  async perform(parameters, memory, context) {
    const { timer, job } = memorySchema.parse(memory);
    return tell(context, parameters.verb, argvOf(parameters.verb, timer, job), job);
  },
  async undo(_, memory, context) {
    const { timer, job, active } = memorySchema.parse(memory);
    const verb = active ? 'resume' : 'pause';
    return tell(context, verb, argvOf(verb, timer, job), job);
  },
  async recover({ verb, unit }, _, context) {
    const ended = await recoverCalls(context, 1);
    return ended && recoveredResult(ended, `systemctl was to ${verb} ${unit}.`);
  },
};

/** Throws `invalid_input` for what is no timer, and `precondition_failed` for one that is not there or whose job runs already. */
async function requireTimer({ unit, verb }: Parameters, context: ObserveContext) {
  if (!unit.endsWith('.timer')) throw fault('invalid_input', { problems: `unit: ${unit} is no timer` });
  const { unit: state, job } = await readTimer(context, unit);
  if (!state.exists) throw fault('precondition_failed', { reason: `there is no timer ${unit} on the server` });
  if (job === null) throw fault('precondition_failed', { reason: `${unit} starts no unit that is there` });
  if (verb === 'run' && isUnderWay(job)) throw fault('precondition_failed', { reason: `${job.name} runs already` });
  return { timer: state.name, job, active: state.activeState === 'active' };
}

const isUnderWay = (job: Job | undefined) => ['active', 'activating', 'reloading'].includes(job?.state ?? '');

function argvOf(verb: Parameters['verb'], timer: string, job: string): string[] {
  if (verb === 'run') return ['systemctl', 'start', '--', job];
  return ['systemctl', verb === 'pause' ? 'stop' : 'start', '--', timer];
}

function effectOf(verb: Parameters['verb'], timer: string, job: Job, active: boolean): string {
  const last = `Its last run: ${job.result}${job.endedAt === null ? '' : `, ended ${new Date(job.endedAt).toISOString()}`}.`;
  if (verb === 'run')
    return `${job.name} is started once, now, and waited for. What it does cannot be taken back. ${last}`;
  if (verb === 'pause')
    return active
      ? `${timer} does not start ${job.name} any more until it is resumed or the server is booted. A run under way goes on.`
      : `${timer} is stopped already; nothing changes.`;
  return active ? `${timer} runs already; nothing changes.` : `${timer} starts ${job.name} by itself again. ${last}`;
}

/** The job's own unit is a fact too, so that the server's policy for units counts for it. */
function witnessOf(timer: string, active: boolean, job: Job): WitnessFact[] {
  return [
    { subject: `unit ${timer}`, property: 'active', value: active },
    { subject: `unit ${job.name}`, property: 'result', value: job.result },
  ];
}

async function tell(
  context: ChangeContext,
  verb: Parameters['verb'],
  argv: readonly string[],
  job: string,
): Promise<StepResult> {
  const { timeoutMs } = capability('timer.tell');
  const failed = await startAll(context, [argv], { timeoutMs });
  if (verb === 'run') {
    const { lines } = await readJournal(context, { unit: job, lines: 30 });
    if (lines.length > 0) context.onOutput(`\nLast lines of ${job}:\n${printJournal(lines)}\n`);
  }
  // A job that is no oneshot goes on after it was started.
  const goesOn = verb === 'run' && isUnderWay((await readJobs(context, [job])).get(job));
  const ran = goesOn ? `${job} was started and is under way.` : `${job} ran and ended well.`;
  const said = { run: ran, pause: 'The timer is stopped.', resume: 'The timer runs.' }[verb];
  return { ...(failed ?? { exit_code: 0, summary: said }), changed: true };
}
