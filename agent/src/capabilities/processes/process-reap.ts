import { capability, delay, fault, type ParametersOf } from '@countersign/protocol';
import { howItEnded } from '../../host/execution.ts';
import { type Process, readProcess, readProcesses } from '../../host/processes.ts';
import type { ChangeContext, Changer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count } from '../report.ts';
import { recoveredResult } from '../run-calls.ts';
import { processWitness, touchable } from './same-process.ts';

type Parameters = ParametersOf<'process.reap'>;

/** How long a parent has to ask for its children after it was reminded: a restart in its place cuts off what it serves. */
const REMINDED_MS = 5000;
const POLL_MS = 50;

/** Zombies go when their parent asks for them, or when it is gone itself and process 1 asks. */
export const processReap: Changer<'process.reap'> = {
  predictable: true,
  async preview(parameters) {
    const parent = touchable(parameters);
    const zombies = zombiesOf(parent.pid).length;
    if (zombies === 0) throw fault('precondition_failed', { reason: `process ${parent.pid} has no zombies` });
    return {
      preview: {
        argv: callsOf(parameters),
        diff: null,
        effects: [
          `${parent.name} (process ${parent.pid} of ${parameters.unit}) is reminded of its ${count(zombies, 'zombie')}.`,
          `Only when they are still there ${REMINDED_MS / 1000} s later ${parameters.unit} is restarted; what it has open is cut off then.`,
        ],
        undo: null,
      },
      witness: processWitness(parent, parameters.unit),
    };
  },
  async perform(parameters, _, context) {
    const parent = touchable(parameters);
    const before = zombiesOf(parent.pid);
    const [remind = [], restart = []] = callsOf(parameters);
    const reminded = await start(context, remind);
    if (reminded.exitCode !== 0)
      return { changed: false, exit_code: exitCodeOf(reminded), summary: `kill ${howItEnded(reminded)}.` };
    if (await areGone(before, context))
      return {
        changed: true,
        exit_code: 0,
        summary: `${parent.name} asked for its ${count(before.length, 'zombie')}.`,
      };
    const restarted = await start(context, restart);
    return {
      changed: true,
      exit_code: exitCodeOf(restarted),
      summary: `${parent.name} did not ask for its zombies; the restart of ${parameters.unit} ${howItEnded(restarted)}.`,
    };
  },
  async recover(parameters, _, context) {
    const reminded = await context.processes.ended(1, context.onOutput);
    if (reminded === null) return null;
    const restarted = await context.processes.ended(2, context.onOutput);
    if (restarted === null && reminded.exitCode === 0 && zombiesOf(parameters.pid).length > 0) return null;
    const last = restarted ?? reminded;
    return recoveredResult(last, `${parameters.unit} was to have no zombies left.`);
  },
};

function callsOf({ pid, unit }: Parameters): string[][] {
  return [
    ['kill', '-s', 'CHLD', '--', String(pid)],
    ['systemctl', 'restart', '--', unit],
  ];
}

function zombiesOf(parent: number): Process[] {
  return readProcesses().filter((each) => each.parent === parent && each.state === 'Z');
}

/** Whether these very zombies are gone: a busy parent may have a new one at any moment. */
async function areGone(zombies: readonly Process[], context: ChangeContext): Promise<boolean> {
  const until = context.clock.monotonic() + REMINDED_MS;
  while (zombies.some(({ pid, startedTicks }) => readProcess(pid)?.startedTicks === startedTicks)) {
    if (context.clock.monotonic() >= until) return false;
    await delay(context.clock, POLL_MS, context.signal);
  }
  return true;
}

function start(context: ChangeContext, argv: readonly string[]) {
  const { timeoutMs } = capability('process.reap');
  return context.processes.start({ argv, timeoutMs, signal: context.signal, onOutput: context.onOutput });
}
