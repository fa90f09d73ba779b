import { capability, fault, type Json, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import { readTextOrNull } from '../../host/look.ts';
import { readOpenFileUse, readProcess, readProcesses, unitOfProcess } from '../../host/processes.ts';
import type { Changer, ObserveContext, Observer } from '../capability.ts';
import { folderArgv, opening, settledChange } from '../files/settled-file.ts';
import { fileMemorySchema, performChange, previewChange, rememberChange, undoChange } from '../files/write-file.ts';
import { count } from '../report.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { existing, plainState, unitWitness } from './unit.ts';
import type { UnitState } from './unit-state.ts';

type Parameters = ParametersOf<'unit.raise_nofile'>;

const OPTIONS = { timeoutMs: capability('unit.raise_nofile').timeoutMs };
/** Workers beside the main process that are this near to their limit are given more as well. */
const NEAR = 0.5;
const WORKERS_MAX = 10;

/** A process with its limits of open files, soft and hard. */
const holderSchema = z.object({ pid: z.int(), start_time: z.int(), soft: z.int(), hard: z.int() });
type Holder = z.infer<typeof holderSchema>;
/** `calls`: how many programs the step starts. */
const memorySchema = z.object({ file: fileMemorySchema, holders: z.array(holderSchema), calls: z.int().min(1) });

/** Raises the limit of the processes that run, and writes it down for those that are started later. */
export const unitRaiseNofile: Changer<'unit.raise_nofile'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const state = await runningService(context, parameters.unit);
    const holders = holdersOf(state, parameters.nofile);
    const change = changeOf(state, parameters, context);
    const file = await previewChange(change, opening(context, change.asked));
    const [main] = holders;
    return {
      preview: {
        argv: [
          ...folderArgv(change.asked),
          ...holders.map((holder) => prlimitArgv(holder, raised(holder, parameters))),
          RELOAD,
        ],
        diff: file.preview.diff,
        effects: [
          `${count(holders.length, 'process', 'processes')} of ${state.name} may have ${parameters.nofile} files open at once; ${main?.soft} for the main process up to now.`,
          `${change.asked} makes it so after a restart as well; nothing is restarted now.`,
        ],
        undo: `The limits that run are what they were again, and ${change.asked} ${change.before === null ? 'is removed' : 'gets its former content back'}.`,
      },
      witness: [...unitWitness(state), ...file.witness],
    };
  },
  async remember(parameters, context): Promise<Json> {
    const state = await runningService(context, parameters.unit);
    const change = changeOf(state, parameters, context);
    const holders = holdersOf(state, parameters.nofile);
    const calls = folderArgv(change.asked).length + holders.length + 1;
    return { file: rememberChange(change, context), holders, calls } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    const state = await runningService(context, parameters.unit);
    const { file, holders } = memorySchema.parse(memory);
    const made = await startAll(context, folderArgv(file.asked), OPTIONS);
    if (made !== null) return made;
    await performChange(changeOf(state, parameters, context), file, opening(context, file.asked));
    const calls = holders.filter(isStillThere).map((holder) => prlimitArgv(holder, raised(holder, parameters)));
    return (
      (await startAll(context, [...calls, RELOAD], OPTIONS)) ?? {
        changed: true,
        exit_code: 0,
        summary: `${state.name} may have ${parameters.nofile} files open.`,
      }
    );
  },
  async undo(_, memory, context) {
    const { file, holders } = memorySchema.parse(memory);
    const put = undoChange(file, opening(context, file.asked));
    const calls = holders.filter(isStillThere).map((holder) => prlimitArgv(holder, holder));
    return (await startAll(context, [...calls, RELOAD], OPTIONS)) ?? put;
  },
  async recover(parameters, memory, context) {
    const { holders, calls } = memorySchema.parse(memory);
    const limits = holders.filter(isStillThere).map(({ pid }) => readOpenFileUse(pid)?.soft ?? 0);
    // The last call has systemd read the file: until it has ended, the limit does not outlive a restart.
    const last = await recoverCalls(context, calls);
    const isDone = limits.length > 0 && limits.every((soft) => soft >= parameters.nofile);
    if (last === null || (last.exitCode === 0 && !isDone)) return null;
    return recoveredResult(last, `${parameters.unit} was to have ${parameters.nofile} files open.`);
  },
};

/** The limit that the main process has now, and how near to it it is. */
export const unitOpenFiles: Observer<'unit.open_files'> = async ({ unit }, context) => {
  const { mainPid, name } = await existing(context, unit);
  const use = mainPid === 0 ? null : readOpenFileUse(mainPid);
  if (use === null)
    throw fault('capability_failed', { capability: 'unit.open_files', reason: `${name} has no main process` });
  return { open: use.open, limit: Math.min(use.soft, Number.MAX_SAFE_INTEGER) };
};

const RELOAD = ['systemctl', 'daemon-reload'];

async function runningService(context: ObserveContext, unit: string): Promise<UnitState> {
  const state = await existing(context, unit);
  if (!state.name.endsWith('.service') || plainState(state) !== 'active' || state.mainPid === 0)
    throw fault('precondition_failed', { reason: `${state.name} is no service that runs` });
  return state;
}

/** The main process, and workers that are near their limit, by number. Throws when the main process may have as many already. */
function holdersOf(state: UnitState, nofile: number): Holder[] {
  const most = Number(readTextOrNull('/proc/sys/fs/nr_open')?.trim() || nofile);
  if (nofile > most)
    throw fault('precondition_failed', { reason: `the kernel lets a process have ${most} files open at most` });
  const holders = readProcesses()
    .filter(({ pid, state: now }) => now !== 'Z' && unitOfProcess(pid) === state.name)
    .flatMap((process) => {
      const use = readOpenFileUse(process.pid);
      if (use === null || use.soft >= nofile) return [];
      if (process.pid !== state.mainPid && use.open < use.soft * NEAR) return [];
      const hard = Math.min(use.hard, most);
      return [{ pid: process.pid, start_time: process.startedTicks, soft: use.soft, hard }];
    })
    .sort((a, b) => Number(b.pid === state.mainPid) - Number(a.pid === state.mainPid) || a.pid - b.pid);
  if (holders[0]?.pid !== state.mainPid)
    throw fault('precondition_failed', { reason: `${state.name} may have ${nofile} files open or more already` });
  return holders.slice(0, WORKERS_MAX + 1);
}

const isStillThere = ({ pid, start_time: started }: Holder) => readProcess(pid)?.startedTicks === started;

/** The hard limit is only ever raised. */
const raised = ({ hard }: Holder, { nofile }: Parameters) => ({ soft: nofile, hard: Math.max(hard, nofile) });

function prlimitArgv({ pid }: Holder, { soft, hard }: Pick<Holder, 'soft' | 'hard'>): string[] {
  return ['prlimit', '--pid', String(pid), `--nofile=${soft}:${hard}`];
}

function changeOf(state: UnitState, parameters: Parameters, context: ObserveContext) {
  const path = `/etc/systemd/system/${state.name}.d/90-countersign-nofile.conf`;
  const main = readOpenFileUse(state.mainPid);
  const hard = Math.max(parameters.nofile, Number.isFinite(main?.hard) ? (main?.hard ?? 0) : 0);
  const content = `# Written by Countersign.\n[Service]\nLimitNOFILE=${parameters.nofile}:${hard}\n`;
  return settledChange(path, () => content, context);
}
