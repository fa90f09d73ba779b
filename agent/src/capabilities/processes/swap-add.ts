import { dirname } from 'node:path';
import { capability, fault, type Json, type ParametersOf, sizeBytes } from '@countersign/protocol';
import { z } from 'zod';
import { lstatOrNull, removeFile, targetOf } from '../../host/files.ts';
import { readSwaps } from '../../host/swaps.ts';
import type { ChangeContext, Changer, ObserveContext } from '../capability.ts';
import { writableRoots } from '../files/roots.ts';
import { opening, settledChange } from '../files/settled-file.ts';
import {
  fileMemorySchema,
  performChange,
  previewChange,
  recoverChange,
  rememberChange,
  undoChange,
} from '../files/write-file.ts';
import { sayBytes } from '../report.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import { whyNoSwapAt, whyOthersReach } from './swap-place.ts';

type Parameters = ParametersOf<'swap.add'>;

const OPTIONS = { timeoutMs: capability('swap.add').timeoutMs };
const FSTAB = '/etc/fstab';
/** Words of fstab(5) are parted by blanks, and its options by commas; other names would have to be escaped. */
const PLAIN_PATH = /^[\w./+-]+$/;

/** Makes a file, uses it as swap at once and after each boot. */
export const swapAdd: Changer<'swap.add'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    requirePlace(parameters, context);
    const file = await previewChange(fstabChange(parameters, context), opening(context, FSTAB));
    const { path, size } = parameters;
    return {
      preview: {
        argv: callsOf(parameters),
        diff: file.preview.diff,
        effects: [
          `${path} is made with ${sayBytes(sizeBytes(size))}, readable by root only, and used as swap at once.`,
          `A line in ${FSTAB} has it used after a boot as well; a boot goes on without it when it is gone.`,
        ],
        undo: `It is no longer used, ${path} is removed, and ${FSTAB} gets its former content back.`,
      },
      witness: [...file.witness, { subject: `file ${path}`, property: 'exists', value: false }],
    };
  },
  async remember(parameters, context): Promise<Json> {
    requirePlace(parameters, context);
    const fstab = rememberChange(fstabChange(parameters, context), context);
    return { fstab, at: context.clock.now() } as unknown as Json;
  },
  async perform(parameters, memory, context) {
    requirePlace(parameters, context);
    const failed = await startAll(context, callsOf(parameters), OPTIONS);
    if (failed !== null) return failed;
    const wasValid = await isFstabValid(context);
    await performChange(fstabChange(parameters, context), memoryOf(memory).fstab, opening(context, FSTAB));
    if (wasValid && !(await isFstabValid(context)))
      return { changed: true, exit_code: 1, summary: `findmnt --verify does not accept ${FSTAB} any more.` };
    return { changed: true, exit_code: 0, summary: `${parameters.path} is used as swap, ${parameters.size} of it.` };
  },
  async undo(parameters, memory, context) {
    const { path } = parameters;
    const off = isUsed(path) ? await startAll(context, [['swapoff', '--', path]], OPTIONS) : null;
    // While the kernel swaps to it nothing of it may go.
    if (off !== null) return off;
    const { fstab, at } = memoryOf(memory);
    const removed = isOurs(parameters, at);
    if (removed) removeFile(path);
    const put = undoChange(fstab, opening(context, FSTAB));
    const said = `${path} is not used as swap${removed ? ' and was removed' : ''}.`;
    return { ...put, changed: put.changed || removed, summary: `${said} ${put.summary}` };
  },
  async recover(parameters, memory, context) {
    const ended = await recoverCalls(context, callsOf(parameters).length);
    if (ended === null) return null;
    if (ended.exitCode !== 0) return recoveredResult(ended, `${parameters.path} was to be used as swap.`);
    const file = await recoverChange(memoryOf(memory).fstab, 'none', opening(context, FSTAB));
    return file?.changed === true && isUsed(parameters.path) ? file : null;
  },
};

function callsOf({ path, size }: Parameters): string[][] {
  return [
    ['fallocate', '-l', size, '--', path],
    ['chmod', '0600', '--', path],
    ['mkswap', '--', path],
    ['swapon', '--', path],
  ];
}

/** `at`: when there was no such file yet, milliseconds since 1970. */
const memorySchema = z.object({ fstab: fileMemorySchema, at: z.number() });
const memoryOf = (memory: Json) => memorySchema.parse(memory);
const isUsed = (path: string) => readSwaps().some((swap) => swap.path === path);

/** Refuses a place that the owner did not allow, that is taken, or where no swap file can be. */
function requirePlace({ path, size }: Parameters, context: ObserveContext): void {
  if (!PLAIN_PATH.test(path))
    throw fault('invalid_input', { problems: 'path: letters, digits and ./_+- only, as fstab takes them' });
  const target = targetOf(path, writableRoots(context.localPolicy));
  if (target.path !== path) throw fault('path_denied', { path, reason: `its folder is really that of ${target.path}` });
  if (target.stat !== null) throw fault('precondition_failed', { reason: `there is a file ${path} already` });
  const reason = whyNoSwapAt(path, sizeBytes(size)) ?? whyOthersReach(dirname(path));
  if (reason !== null) throw fault('precondition_failed', { reason });
}

function fstabChange({ path }: Parameters, context: ObserveContext) {
  return settledChange(FSTAB, (before) => fstabWith(before ?? '', path), context);
}

/** The table with a line for the file. Throws `precondition_failed` when it has one. Source: fstab(5). */
export function fstabWith(text: string, path: string): string {
  if (text.split('\n').some((line) => line.trim().split(/\s+/)[0] === path))
    throw fault('precondition_failed', { reason: `${FSTAB} has a line for ${path} already` });
  const before = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  return `${before}${path} none swap sw,nofail 0 0\n`;
}

async function isFstabValid(context: ChangeContext): Promise<boolean> {
  const argv = ['findmnt', '--verify'];
  return (await context.exec({ argv, timeoutMs: 10_000, signal: context.signal })).exitCode === 0;
}

/** Whether the file is the one that this step made, maybe only in part, as far as anybody can tell: nothing else is removed. */
function isOurs({ path, size }: Parameters, at: number): boolean {
  const stat = lstatOrNull(path);
  if (stat?.isFile() !== true || stat.uid !== 0 || stat.nlink !== 1) return false;
  // The kernel stamps files with a clock that lags by a tick.
  return stat.size <= sizeBytes(size) && stat.birthtimeMs >= at - 1000;
}
