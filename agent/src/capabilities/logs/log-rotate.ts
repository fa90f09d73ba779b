import { capability, fault, type StepResult } from '@countersign/protocol';
import { type Executed, howItEnded, saidBy } from '../../host/execution.ts';
import { statOrNull } from '../../host/look.ts';
import { isRootsAlone } from '../../host/only-root.ts';
import type { Changer, ObserveContext } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { count, sayBytes } from '../report.ts';
import { LOGROTATE_FOLDER, logsOf } from './logrotate-files.ts';

const DRY_RUN_MS = 15_000;

/** Rotates the logs of one file of /etc/logrotate.d at once. What logrotate would complain of, or lose, refuses it before. */
export const logRotate: Changer<'log.rotate'> = {
  predictable: true,
  async preview({ name }, context) {
    const path = fileOf(name);
    requireOpen(logsOf(name), context);
    const { logs, bytes } = sizeOf(name);
    const dry = await dryRun(context, path);
    // By its own word too: it may read its patterns otherwise than we do.
    requireOpen(dry.rotating, context);
    const scripts = dry.scripts ? [`Scripts of /etc/logrotate.d/${name} run, such as those that tell a service.`] : [];
    return {
      preview: {
        argv: [argvOf(path)],
        diff: null,
        effects: [
          `${count(dry.rotating.length, 'log')} with ${sayBytes(bytes)} in all ${logs === 1 ? 'is' : 'are'} moved to rotated copies, and new ones begun: ${dry.rotating.slice(0, 5).join(', ')}.`.slice(
            0,
            500,
          ),
          'Copies beyond the number that the file keeps are deleted.',
          ...scripts,
        ],
        undo: null,
      },
      witness: [
        {
          subject: `path ${path}`,
          property: 'changed_at',
          value: new Date(statOrNull(path)?.mtimeMs ?? 0).toISOString(),
        },
      ],
    };
  },
  async remember({ name }) {
    return { bytes: sizeOf(name).bytes };
  },
  async perform({ name }, _, context) {
    const done = await context.processes.start({
      argv: argvOf(fileOf(name)),
      timeoutMs: capability('log.rotate').timeoutMs,
      signal: context.signal,
      onOutput: context.onOutput,
    });
    return resultOf(name, done);
  },
  async recover({ name }, _, context) {
    const done = await context.processes.ended(1, context.onOutput);
    return done === null ? null : resultOf(name, done);
  },
};

const argvOf = (path: string): string[] => ['logrotate', '--force', path];

/** Throws `file_not_found`, or `precondition_failed` for a file that logrotate would not take from root's folder. */
function fileOf(name: string): string {
  const path = `${LOGROTATE_FOLDER}/${name}`;
  const stat = statOrNull(path);
  if (stat === null) throw fault('file_not_found', { path });
  if (!stat.isFile() || !isRootsAlone(stat))
    throw fault('precondition_failed', { reason: `${path} is no file that only root can write` });
  return path;
}

/** Throws `path_denied` when one of the logs lies where the owner lets nothing be touched. */
function requireOpen(paths: readonly string[], { localPolicy }: ObserveContext): void {
  for (const path of paths) {
    const denied = localPolicy.deniedPaths?.find((root) => path === root || path.startsWith(`${root}/`));
    if (denied !== undefined) throw fault('path_denied', { path, reason: "the server's own policy denies it" });
  }
}

function sizeOf(name: string) {
  const logs = logsOf(name);
  return { logs: logs.length, bytes: logs.reduce((sum, log) => sum + (statOrNull(log)?.blocks ?? 0) * 512, 0) };
}

async function dryRun(context: ObserveContext, path: string) {
  const done = await context.exec({
    argv: ['logrotate', '--debug', '--force', path],
    timeoutMs: DRY_RUN_MS,
    signal: context.signal,
  });
  if (done.exitCode !== 0) throw refused(path, done.notStarted === null ? 'its dry run failed' : howItEnded(done));
  const dry = parseDryRun(saidBy(done));
  if (dry.error !== null) throw refused(path, dry.error);
  if (dry.losing)
    throw refused(
      path,
      'it names no number of copies, so that by itself it would delete the logs instead of keeping them',
    );
  if (dry.rotating.length === 0) throw refused(path, 'there is nothing that it would rotate');
  return dry;
}

/** What `logrotate --debug` says. Its words are those of logrotate 3.21. */
export function parseDryRun(text: string) {
  return {
    rotating: [...text.matchAll(/^rotating log (\/.+), log->rotateCount is \d+$/gm)].map((found) => found[1] ?? ''),
    losing: /^rotating pattern: .*\(no old logs will be kept\)$/m.test(text),
    error: /^error: (.*)$/m.exec(text)?.[1]?.slice(0, 200) ?? null,
    scripts: /^running \w+ script$/m.test(text),
  };
}

const refused = (path: string, reason: string) =>
  fault('precondition_failed', { reason: `logrotate would not rotate by ${path}: ${reason}` });

function resultOf(name: string, done: Executed): StepResult {
  const { logs, bytes } = sizeOf(name);
  const exitCode = exitCodeOf(done);
  const now = `${count(logs, 'log')} of ${name} take ${sayBytes(bytes)} now.`;
  return {
    changed: true,
    exit_code: exitCode,
    summary: exitCode === 0 ? `Done; ${now}` : `logrotate ${howItEnded(done)}; ${now}`,
  };
}
