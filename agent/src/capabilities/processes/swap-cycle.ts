import { capability, fault, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import { readSwaps, type Swap } from '../../host/swaps.ts';
import { readMemory } from '../../host/system.ts';
import type { Changer } from '../capability.ts';
import { sayBytes } from '../report.ts';
import { recoveredResult, startAll } from '../run-calls.ts';
import { SPARE_RATIO } from './swap.ts';

const OPTIONS = { timeoutMs: capability('swap.cycle').timeoutMs };
const memorySchema = z.object({ priority: z.int() });

/** Takes a swap away and gives it back empty. What lay in it has to fit into memory. */
export const swapCycle: Changer<'swap.cycle'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters) {
    const swap = requireRoom(parameters);
    const { availableBytes } = readMemory();
    return {
      preview: {
        argv: callsOf(swap),
        diff: null,
        effects: [
          `The ${sayBytes(swap.usedBytes)} in ${swap.path} are read back into memory, of which ${sayBytes(availableBytes)} can be given out.`,
          'That can take minutes and keeps the disk busy; until it is over the server has less room for a peak.',
        ],
        undo: `${swap.path} is used as swap again, when it is not.`,
      },
      witness: [
        { subject: `swap ${swap.path}`, property: 'bytes', value: swap.bytes },
        { subject: `swap ${swap.path}`, property: 'priority', value: swap.priority },
      ],
    };
  },
  async remember(parameters) {
    return { priority: requireRoom(parameters).priority };
  },
  async perform(parameters, _, context) {
    const before = requireRoom(parameters);
    const failed = await startAll(context, callsOf(before), OPTIONS);
    const said = `${sayBytes(before.usedBytes)} were brought back into memory.`;
    return failed ?? { changed: true, exit_code: 0, summary: said };
  },
  async undo({ device }, memory, context) {
    if (find(device) !== undefined)
      return { changed: false, exit_code: 0, summary: `${device} is used as swap, as before.` };
    const { priority } = memorySchema.parse(memory);
    const failed = await startAll(context, [onArgv(device, priority)], OPTIONS);
    return failed ?? { changed: true, exit_code: 0, summary: `${device} is used as swap again.` };
  },
  async recover({ device }, _, context) {
    const off = await context.processes.ended(1, context.onOutput);
    const on = off === null ? null : await context.processes.ended(2, context.onOutput);
    const last = on ?? off;
    if (last === null) return null;
    // Cut off between the two: it is known that the second was never started, so the undo may give the swap back.
    if (on === null && last.exitCode === 0 && find(device) === undefined)
      return {
        changed: true,
        exit_code: 1,
        summary: `Found after a restart of the runner: ${device} was taken away only.`,
      };
    if (on === null && last.exitCode === 0) return null;
    const now = find(device) === undefined ? 'not used' : 'used';
    return recoveredResult(last, `${device} is ${now} as swap.`);
  },
};

const find = (device: string): Swap | undefined => readSwaps().find(({ path }) => path === device);

function requireRoom({ device }: ParametersOf<'swap.cycle'>): Swap {
  const swap = find(device);
  if (swap === undefined) throw fault('precondition_failed', { reason: `${device} is not used as swap` });
  const { availableBytes } = readMemory();
  if (availableBytes <= swap.usedBytes * SPARE_RATIO)
    throw fault('precondition_failed', {
      reason: `${sayBytes(swap.usedBytes)} lie in ${device}, and only ${sayBytes(availableBytes)} of memory can be given out`,
    });
  return swap;
}

function callsOf({ path, priority }: Swap): string[][] {
  return [['swapoff', '--', path], onArgv(path, priority)];
}

/** A priority below 0 is one that the kernel chose, and will choose again. */
function onArgv(path: string, priority: number): string[] {
  return ['swapon', ...(priority >= 0 ? ['--priority', String(priority)] : []), '--', path];
}
