/** A read-only file system made writable again. Source: mount(8) `remount`. */
import { closeSync, constants, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { capability, fault, type Json, type StepResult } from '@countersign/protocol';
import { readAllMounts } from '../../host/mounts.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { mountState } from './mount-state.ts';

const argvOf = (path: string, mode: 'rw' | 'ro'): string[] => ['mount', '--options', `remount,${mode}`, '--', path];

export const remountRw: Changer<'mount.remount_rw'> = {
  predictable: true,
  undoAgain: true,
  async preview({ path }, context) {
    const mount = readOnlyMount(path);
    await requireSound(path, context);
    return {
      preview: {
        argv: [argvOf(path, 'rw')],
        diff: null,
        effects: [
          `${path} (${mount.type} on ${mount.source}) is read-only and is made writable again, which a file of ours tries at once. Programs that stopped for it are not started.`,
          'When the file system is damaged, writing can make it worse: an fsck while it is not mounted is the thorough way.',
        ],
        undo: `${path} is made read-only again, unless a program has a file open for writing there by then.`,
      },
      witness: [
        { subject: `mount ${path}`, property: 'source', value: `${mount.source} ${mount.device}` },
        { subject: `mount ${path}`, property: 'read_only', value: true },
      ],
    };
  },
  async remember({ path }): Promise<Json> {
    return { source: readOnlyMount(path).source };
  },
  perform: ({ path }, _, context) => remount(context, path, 'rw'),
  undo: async ({ path }, _, context) =>
    readAllMounts().findLast(({ mount }) => mount === path)?.readOnly === true
      ? { changed: false, exit_code: 0, summary: `${path} is read-only, as it was.` }
      : remount(context, path, 'ro'),
  async recover({ path }, _, context) {
    const ended = await recoverCalls(context, 1);
    return ended && recoveredResult(ended, `${path} was to be mounted anew.`);
  },
};

/** Throws `precondition_failed` for what is no mount, or can be written to. */
function readOnlyMount(path: string) {
  const mount = readAllMounts().findLast((line) => line.mount === path);
  if (mount === undefined) throw fault('precondition_failed', { reason: `nothing is mounted at ${path}` });
  if (!mount.readOnly) throw fault('precondition_failed', { reason: `${path} is not read-only` });
  // A mount that only shows a file system read-only was made so by somebody; to take it back would hit all mounts of it.
  if (!mount.fileSystemReadOnly)
    throw fault('precondition_failed', {
      reason: `${path} only shows its file system read-only, and that can be written to elsewhere`,
    });
  return mount;
}

async function requireSound(path: string, context: ObserveContext): Promise<void> {
  const { io_errors: errors, device_failing: failing } = await mountState({ path }, context);
  if (errors > 0)
    throw fault('precondition_failed', { reason: `the kernel told of ${errors} I/O errors within a day` });
  if (failing) throw fault('precondition_failed', { reason: `the disk of ${path} says of itself that it is failing` });
}

async function remount(context: ChangeContext, path: string, mode: 'rw' | 'ro'): Promise<StepResult> {
  const { timeoutMs } = capability('mount.remount_rw');
  const failed = await startAll(context, [argvOf(path, mode)], { timeoutMs });
  if (failed !== null) return failed;
  if (mode === 'rw' && !triesToWrite(path, context.actionId))
    return {
      changed: true,
      exit_code: 1,
      summary: `${path} was remounted, but a file written there for a test failed.`,
    };
  const said = mode === 'rw' ? 'can be written to' : 'is read-only again';
  return { changed: true, exit_code: 0, summary: `${path} ${said}.` };
}

/** Writes a byte into a file of its own, which no crash before has left there, has it reach the disk, and removes it. */
function triesToWrite(folder: string, actionId: string): boolean {
  const path = `${folder}/.countersign-${actionId}`;
  try {
    const file = openSync(
      path,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    );
    try {
      writeSync(file, 'x');
      fsyncSync(file);
      return true;
    } finally {
      closeSync(file);
      unlinkSync(path);
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}
