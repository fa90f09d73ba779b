import { capability, delay, fault, type Json, type StepResult } from '@countersign/protocol';
import { z } from 'zod';
import { keepBackup, readBackup } from '../../host/backups.ts';
import { howItEnded } from '../../host/execution.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count } from '../report.ts';
import { resultOfCalls, runCalls } from '../run-calls.ts';
import { argvOf, plainState, unitWitness } from '../units/unit.ts';
import { readUnitState, type UnitState } from '../units/unit-state.ts';
import { configDigest, type KeptFiles, keepConfig, keptConfig, newestWorker, putBack } from './kept-config.ts';

const UNIT = 'nginx.service';
const ARGV = ['systemctl', 'reload', '--', UNIT];
const WORKERS_MS = 8000;
const POLL_MS = 50;

const memorySchema = z.object({ backup: z.string().nullable(), worker: z.string().nullable() });

/** A reload that counts only when new workers run, and that can be taken back where it is known what the old ones had read. */
export const nginxReload: Changer<'nginx.reload'> = {
  predictable: true,
  undoAgain: true,
  async preview(_, context) {
    const state = await running(context);
    const kept = keptConfig(context, state.mainPid);
    return {
      preview: {
        argv: [ARGV],
        diff: null,
        effects: [
          `${UNIT} reads its configuration again and keeps running; connections that are open go on.`,
          kept === null
            ? 'What it has read before is not known: it was not reloaded through Countersign last. So it cannot be taken back this time.'
            : `What it has in force is kept on the server: ${count(Object.values(kept).filter((file) => file !== null).length, 'file')}.`,
        ],
        undo:
          kept === null
            ? null
            : 'The files that nginx has in force now are put back, what lies in their place is kept in backups, and nginx is reloaded.',
      },
      witness: [
        ...unitWitness(state),
        { subject: 'nginx configuration', property: 'sha256', value: await configDigest(context) },
      ],
    };
  },
  async remember(_, context) {
    const { mainPid } = await running(context);
    const kept = keptConfig(context, mainPid);
    const backup = kept === null ? null : keepBackup(context, JSON.stringify(kept));
    return { backup, worker: newestWorker(mainPid)?.name ?? null } satisfies Json;
  },
  async perform(_, __, context) {
    return reload(context, await running(context));
  },
  async undo(_, memory, context) {
    const { backup } = memorySchema.parse(memory);
    if (backup === null) throw fault('precondition_failed', { reason: 'what nginx had read before is not known' });
    const kept = JSON.parse(readBackup(context.stateDir, backup).toString('utf8')) as KeptFiles;
    const { set, taken } = await putBack(context, kept);
    const state = await readUnitState(context, UNIT);
    const back = plainState(state) === 'active' ? await reload(context, state) : await startAgain(context, state);
    return {
      ...back,
      summary: `${count(set, 'file')} set back, ${count(taken, 'new file')} taken out; what was there is kept in backups. ${back.summary}`,
    };
  },
  irreversible: (_, memory) => memorySchema.safeParse(memory).data?.backup === null,
  async recover(_, memory, context) {
    const done = await context.processes.ended(1, context.onOutput);
    if (done === null) return null;
    const { mainPid } = await readUnitState(context, UNIT);
    const isNew = newestWorker(mainPid)?.name !== memorySchema.parse(memory).worker;
    return {
      changed: isNew,
      exit_code: done.exitCode === 0 && !isNew ? 1 : exitCodeOf(done),
      summary: `Found after a restart of the runner: its workers are ${isNew ? 'new' : 'the former ones'}.`,
    };
  },
};

async function running(context: ObserveContext): Promise<UnitState> {
  const state = await readUnitState(context, UNIT);
  if (plainState(state) !== 'active')
    throw fault('precondition_failed', { reason: `${UNIT} does not run, so it cannot be reloaded` });
  return state;
}

/** Where the reload has ended nginx. */
async function startAgain(context: ChangeContext, state: UnitState): Promise<StepResult> {
  const { timeoutMs } = capability('nginx.reload');
  const calls = await runCalls(context, argvOf('start', state), { timeoutMs });
  return resultOfCalls(calls, true, `${UNIT} did not run any more.`);
}

async function reload(context: ChangeContext, { mainPid }: UnitState): Promise<StepResult> {
  const before = newestWorker(mainPid);
  const done = await context.processes.start({
    argv: ARGV,
    timeoutMs: capability('nginx.reload').timeoutMs,
    signal: context.signal,
    onOutput: context.onOutput,
  });
  if (done.exitCode !== 0)
    return { changed: false, exit_code: exitCodeOf(done), summary: `systemctl reload ${howItEnded(done)}.` };
  // systemctl is done when the signal is sent: nginx itself refuses in silence, and its old workers stay.
  for (let waited = 0; newestWorker(mainPid)?.name === before?.name; waited += POLL_MS) {
    if (waited >= WORKERS_MS)
      return {
        changed: false,
        exit_code: 1,
        summary: 'nginx did not take the configuration: its workers are the old ones.',
      };
    await delay(context.clock, POLL_MS, context.signal);
  }
  await keepConfig(context, mainPid);
  return { changed: true, exit_code: 0, summary: 'Workers with the new configuration run.' };
}
