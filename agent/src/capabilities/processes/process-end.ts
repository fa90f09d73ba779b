import { capability, delay, durationMs, fault, type ParametersOf, type StepResult } from '@countersign/protocol';
import { howItEnded } from '../../host/execution.ts';
import { commandLineOf } from '../../host/processes.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { sayBytes } from '../report.ts';
import { findProcess, processWitness, touchable } from './same-process.ts';

type Parameters = ParametersOf<'process.end'>;

const WAIT_MAX_MS = 60_000;
/** The kernel needs a moment to take a killed process down. */
const KILLED_MS = 5000;
const POLL_MS = 50;

/** Ends one process. What it had in memory is gone; its unit decides whether it is started again. */
export const processEnd: Changer<'process.end'> = {
  predictable: true,
  async preview(parameters, context) {
    const { unit, wait, kill } = parameters;
    waitOf(parameters);
    const found = touchable(parameters);
    const command = commandLineOf(found.pid).slice(0, 200);
    return {
      preview: {
        argv: callsOf(parameters),
        diff: null,
        effects: [
          `${found.name} (process ${found.pid} of ${unit}), which holds ${sayBytes(found.memoryBytes)}, is told to end and has ${wait} for it.`,
          kill
            ? 'When it has not ended by then it is killed: what it has not saved is lost.'
            : 'When it has not ended by then it is left alone, and the step fails.',
          await whatFollows(context, parameters),
          `Its command line: ${command}`,
        ],
        undo: null,
      },
      witness: processWitness(found, unit),
    };
  },
  async perform(parameters, _, context) {
    const found = touchable(parameters);
    const [term = [], kill] = callsOf(parameters);
    let call = term;
    for (const waitMs of [waitOf(parameters), KILLED_MS]) {
      const done = await signal(context, call);
      // Somebody else may have ended it between the look and the signal.
      if (done.exitCode !== 0 && findProcess(parameters) !== null)
        return { changed: call !== term, exit_code: exitCodeOf(done), summary: `kill ${howItEnded(done)}.` };
      if (await isGone(parameters, waitMs, context))
        return { changed: true, exit_code: 0, summary: `${found.name} (process ${found.pid}) has ended.` };
      if (call !== term || kill === undefined) break;
      call = kill;
    }
    const left = `${found.name} (process ${found.pid}) was told to end and still runs`;
    const summary = kill === undefined ? `${left}; killing it was not approved.` : `${left}; it hangs in the kernel.`;
    return { changed: true, exit_code: 1, summary };
  },
  async recover(parameters, _, context): Promise<StepResult | null> {
    const told = await context.processes.ended(1, context.onOutput);
    if (told === null) return null;
    const gone = await isGone(parameters, waitOf(parameters), context);
    const now = `process ${parameters.pid} ${gone ? 'has ended' : 'still runs'}`;
    return { changed: true, exit_code: gone ? 0 : 1, summary: `Found after a restart of the runner: ${now}.` };
  },
};

function callsOf({ pid, kill }: Parameters): string[][] {
  const call = (name: string) => ['kill', '-s', name, '--', String(pid)];
  return kill ? [call('TERM'), call('KILL')] : [call('TERM')];
}

/** What the unit does when this process is gone. Source: systemd.service(5), Restart=. */
async function whatFollows(context: ObserveContext, { unit, pid }: Parameters): Promise<string> {
  const { MainPID: main, Restart: restart } = await unitProperties(context.exec, unit, ['MainPID', 'Restart']);
  if (main !== String(pid)) return `It is not the main process of ${unit}, which goes on without it.`;
  if (restart === undefined || restart === '' || restart === 'no')
    return `It is the main process of ${unit}, which systemd does not start again by itself.`;
  return `It is the main process of ${unit}, which systemd starts again as its Restart=${restart} says.`;
}

function waitOf({ wait }: Parameters): number {
  const ms = durationMs(wait);
  if (ms > WAIT_MAX_MS) throw fault('invalid_input', { problems: 'wait: at most 60s' });
  return ms;
}

async function signal(context: ChangeContext, argv: readonly string[]) {
  const { timeoutMs } = capability('process.end');
  return context.processes.start({ argv, timeoutMs, signal: context.signal, onOutput: context.onOutput });
}

async function isGone(parameters: Parameters, ms: number, context: ChangeContext): Promise<boolean> {
  const until = context.clock.monotonic() + ms;
  while (findProcess(parameters) !== null) {
    if (context.clock.monotonic() >= until) return false;
    await delay(context.clock, POLL_MS, context.signal);
  }
  return true;
}
