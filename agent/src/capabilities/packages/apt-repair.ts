/** Finishing what an update left half done. Sources: dpkg(1) `--configure`, apt-get(8) `--fix-broken`. */
import { capability, fault, type StepResult } from '@countersign/protocol';
import { keepBackup } from '../../host/backups.ts';
import { type Executed, howItEnded } from '../../host/execution.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count } from '../report.ts';
import { type HalfDone, readHalfDone, readInstalled } from './apt.ts';
import { requireUnlocked } from './apt-clean.ts';
import { KEEP_FILES, QUIET } from './quiet-apt.ts';

const CALLS = [
  ['dpkg', '--force-confdef', '--force-confold', '--configure', '--pending'],
  ['apt-get', '--quiet', '--yes', '--no-remove', ...KEEP_FILES, '--fix-broken', 'install'],
];
const SIMULATE = ['apt-get', '--simulate', '--quiet', '-o', 'Debug::NoLocking=1', '--fix-broken', 'install'];
const SIMULATE_MS = 15_000;
/** A repair that takes more than this away is no repair that one should do at night. */
const REMOVED_MAX = 0;

export const aptRepair: Changer<'apt.repair'> = {
  predictable: true,
  async preview(_, context) {
    requireUnlocked();
    const half = await readHalfDone(context);
    if (half.length === 0) throw fault('precondition_failed', { reason: 'no package is half installed' });
    const { installed, removed } = await simulate(context);
    if (removed.length > REMOVED_MAX)
      throw fault('precondition_failed', { reason: `apt would remove ${removed.slice(0, 10).join(', ')} to mend it` });
    return {
      preview: {
        argv: CALLS,
        diff: null,
        effects: [
          `${count(half.length, 'package')} ${half.length === 1 ? 'is' : 'are'} configured, which runs their own scripts and may restart their services: ${half
            .slice(0, 10)
            .map(({ name }) => name)
            .join(', ')}.`.slice(0, 500),
          installed.length === 0
            ? 'apt installs nothing besides.'
            : `apt installs what is missing: ${installed.slice(0, 10).join(', ')}.`.slice(0, 500),
          'Configuration files that were changed by hand stay as they are. A list of all packages with their versions is kept on the server.',
        ],
        undo: null,
      },
      witness: [{ subject: 'packages half installed', property: 'names', value: namesOf(half) }],
    };
  },
  async remember(_, context) {
    return { list: keepBackup(context, await readInstalled(context)) };
  },
  async perform(_, __, context) {
    requireUnlocked();
    let done: Executed | undefined;
    for (const argv of CALLS) {
      done = await context.processes.start({
        argv,
        env: QUIET,
        timeoutMs: capability('apt.repair').timeoutMs,
        signal: context.signal,
        onOutput: context.onOutput,
      });
      if (done.exitCode !== 0) return resultOf(argv, done, context);
    }
    return resultOf(CALLS.at(-1) ?? [], done, context);
  },
  async recover(_, __, context) {
    const first = await context.processes.ended(1, context.onOutput);
    if (first === null) return null;
    if (first.exitCode !== 0) return resultOf(CALLS[0] ?? [], first, context);
    const second = await context.processes.ended(2, context.onOutput);
    return second === null ? null : resultOf(CALLS[1] ?? [], second, context);
  },
};

async function simulate(context: ObserveContext) {
  const done = await context.exec({ argv: SIMULATE, timeoutMs: SIMULATE_MS, signal: context.signal });
  if (done.exitCode !== 0)
    throw fault('precondition_failed', { reason: `apt cannot tell what it would do: apt-get ${howItEnded(done)}` });
  const named = (verb: string) =>
    [...done.stdout.matchAll(new RegExp(`^${verb} (\\S+)`, 'gm'))].map(([, name = '']) => name);
  return { installed: named('Inst'), removed: [...named('Remv'), ...named('Purg')] };
}

const namesOf = (half: readonly HalfDone[]): string =>
  half
    .map(({ name }) => name)
    .sort()
    .join(' ')
    .slice(0, 1000);

async function resultOf(
  argv: readonly string[],
  done: Executed | undefined,
  context: ChangeContext,
): Promise<StepResult> {
  const half = await readHalfDone(context);
  const exitCode = done === undefined ? 127 : exitCodeOf(done);
  const left =
    half.length === 0
      ? 'no package is half installed any more.'
      : `${count(half.length, 'package is', 'packages are')} half installed.`;
  const how = done === undefined ? 'was not started' : howItEnded(done);
  return {
    changed: true,
    exit_code: exitCode,
    summary: exitCode === 0 ? `Done; ${left}` : `${argv[0]} ${how}; ${left}`,
  };
}
