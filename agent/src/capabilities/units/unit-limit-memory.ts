import { capability, fault, type StepResult, sizeBytes } from '@countersign/protocol';
import { z } from 'zod';
import { readTextOrNull } from '../../host/look.ts';
import { readMemory } from '../../host/system.ts';
import { unitProperties } from '../../host/unit.ts';
import type { ChangeContext, Changer, ObserveContext, Observer } from '../capability.ts';
import { sayBytes, sayRatio } from '../report.ts';
import { recoverCalls, recoveredResult, startAll } from '../run-calls.ts';
import {
  LIMIT_RATIO_MAX,
  LIMIT_RATIO_MIN,
  type MemoryLimit,
  readMemoryLimits,
  residentBytesOf,
} from './memory-limits.ts';
import { existing, unitWitness } from './unit.ts';

/** From here on the kernel slows a unit down, before it kills. Source: systemd.resource-control(5), MemoryHigh=. */
const HIGH_RATIO = 0.9;

const memorySchema = z.object({ high: z.int().nullable(), max: z.int().nullable() });

/** Gives a unit another limit until the next boot, whatever its file says. */
export const unitLimitMemory: Changer<'unit.limit_memory'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const state = await existing(context, parameters.unit);
    const max = sizeBytes(parameters.max);
    const used = residentBytesOf(state.name);
    requireBounds(state.name, max, used);
    const was = await limitOf(context, state.name);
    const effects = [
      `${state.name} holds ${sayBytes(used)} now and may hold ${sayBytes(max)}: from ${sayRatio(HIGH_RATIO)} of that on the kernel slows it down, above it the kernel kills one of its processes.`,
      'It holds until the next boot; the file of the unit stays as it is.',
      ...(await sayUncounted(context, state.name)),
    ];
    return {
      preview: {
        argv: [argvOf(state.name, limitFor(max))],
        diff: null,
        effects,
        undo: `Its limit is what it was again: ${was.max === null ? 'none' : sayBytes(was.max)}.`,
      },
      witness: [
        ...unitWitness(state),
        { subject: `unit ${state.name}`, property: 'memory_high', value: was.high },
        { subject: `unit ${state.name}`, property: 'memory_max', value: was.max },
      ],
    };
  },
  async remember({ unit }, context) {
    const { high, max } = await limitOf(context, (await existing(context, unit)).name);
    return { high, max };
  },
  async perform(parameters, _, context) {
    const { name } = await existing(context, parameters.unit);
    const max = sizeBytes(parameters.max);
    requireBounds(name, max, residentBytesOf(name));
    return set(context, name, limitFor(max));
  },
  async undo({ unit }, memory, context) {
    return set(context, (await existing(context, unit)).name, memorySchema.parse(memory));
  },
  async recover({ unit }, _, context) {
    const ended = await recoverCalls(context, 1);
    if (ended === null) return null;
    const { max } = await limitOf(context, (await existing(context, unit)).name);
    return { ...recoveredResult(ended, `the limit is ${sayLimit(max)}.`), changed: ended.exitCode === 0 };
  },
};

/** Whether the limit is the one that is meant, and whether the kernel had to kill meanwhile. */
export const unitMemory: Observer<'unit.memory'> = async ({ unit, max }, context) => {
  const { name } = await existing(context, unit);
  const limit = await limitOf(context, name);
  return {
    limited: limit.max === limitFor(sizeBytes(max)).max,
    resident_bytes: residentBytesOf(name),
    // Where nothing was counted until the limit was set, counting begins with it.
    oom_kills: (await oomKillsOf(context, name)) ?? 0,
  };
};

function requireBounds(unit: string, max: number, used: number): void {
  const { totalBytes } = readMemory();
  if (max < used * LIMIT_RATIO_MIN)
    throw fault('precondition_failed', {
      reason: `${unit} holds ${sayBytes(used)}, so its limit must be ${sayBytes(used * LIMIT_RATIO_MIN)} at least`,
    });
  if (max > totalBytes * LIMIT_RATIO_MAX)
    throw fault('precondition_failed', {
      reason: `the server has ${sayBytes(totalBytes)} of memory, and a unit may have ${sayRatio(LIMIT_RATIO_MAX)} of it at most`,
    });
}

/** In whole pages, as the kernel keeps it. Pages have 4 KiB or a multiple of it. */
function limitFor(max: number): MemoryLimit {
  const PAGE = 64 * 1024;
  const whole = (bytes: number) => Math.floor(bytes / PAGE) * PAGE;
  return { max: whole(max), high: whole(max * HIGH_RATIO) };
}

async function limitOf(context: ObserveContext, unit: string): Promise<MemoryLimit> {
  const limit = (await readMemoryLimits(context, [unit])).get(unit);
  if (limit === undefined)
    throw fault('capability_failed', { capability: 'systemctl show', reason: 'systemd does not answer' });
  return limit;
}

const sayLimit = (bytes: number | null) => (bytes === null ? 'infinity' : String(bytes));

function argvOf(unit: string, { high, max }: MemoryLimit): string[] {
  const values = [`MemoryHigh=${sayLimit(high)}`, `MemoryMax=${sayLimit(max)}`];
  return ['systemctl', 'set-property', '--runtime', '--', unit, ...values];
}

async function set(context: ChangeContext, unit: string, limit: MemoryLimit): Promise<StepResult> {
  const { timeoutMs } = capability('unit.limit_memory');
  const failed = await startAll(context, [argvOf(unit, limit)], { timeoutMs });
  const said = `The limit of ${unit} is ${limit.max === null ? 'none' : sayBytes(limit.max)}.`;
  return failed ?? { changed: true, exit_code: 0, summary: said };
}

/** Where the kernel does not count the memory of units, a limit is kept and has no effect. */
async function sayUncounted(context: ObserveContext, unit: string): Promise<string[]> {
  const { MemoryCurrent: now } = await unitProperties(context.exec, unit, ['MemoryCurrent']);
  return now !== undefined && /^\d{1,18}$/.test(now)
    ? []
    : ['The kernel of this server does not count the memory of this unit, so the limit may have no effect.'];
}

/** `oom_kill 3` in the unit's control group, of either version. Source: Documentation/admin-guide/cgroup-v2.rst. */
async function oomKillsOf(context: ObserveContext, unit: string): Promise<number | null> {
  const { ControlGroup: group } = await unitProperties(context.exec, unit, ['ControlGroup']);
  if (group === undefined || !group.startsWith('/') || group.includes('..')) return null;
  const text =
    readTextOrNull(`/sys/fs/cgroup${group}/memory.events`) ??
    readTextOrNull(`/sys/fs/cgroup/memory${group}/memory.oom_control`);
  const kills = /^oom_kill (\d+)$/m.exec(text ?? '')?.[1];
  return kills === undefined ? null : Number(kills);
}
