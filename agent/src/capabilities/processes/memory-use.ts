/** Who uses the memory now: by process, and by unit against its own limit. */
import type { Suggestion } from '@countersign/protocol';
import { commandLineOf, type Process, readProcesses, unitOfProcess } from '../../host/processes.ts';
import { readMemory } from '../../host/system.ts';
import type { ObserveContext } from '../capability.ts';
import { type Report, sayBytes, sayRatio } from '../report.ts';
import { readMemoryLimits } from '../units/memory-limits.ts';
import { dropOffender, isServersOwn, memoryLimit } from './offers.ts';

const TOP = 12;
const HOG_RATIO = 0.5;
const AVAILABLE_LOW = 0.08;
/** Of a unit's own limit. */
const NEAR_LIMIT = 0.9;
/** So many units with most memory are asked for their limits. */
const UNITS = 20;

/** Adds who uses most, and the units that are near their own limits. */
export async function addMemoryUse(report: Report, context: ObserveContext): Promise<void> {
  const { totalBytes, availableBytes } = readMemory();
  const processes = readProcesses().toSorted((a, b) => b.memoryBytes - a.memoryBytes);
  const available = availableBytes / Math.max(1, totalBytes);
  report.figure('memory_available_ratio', available);
  const [first] = processes;
  if (first === undefined) return;
  const share = first.memoryBytes / Math.max(1, totalBytes);
  const unit = unitOfProcess(first.pid);
  const hog = share >= HOG_RATIO || available < AVAILABLE_LOW;
  const holds = `It holds ${sayBytes(first.memoryBytes)}.`;
  report.add({
    kind: hog ? 'memory.hog' : 'memory.top',
    severity: hog ? 'warning' : 'info',
    title: `${unit ?? first.name} (process ${first.pid}) uses most memory: ${sayBytes(first.memoryBytes)}, ${sayRatio(share)} of all.`,
    evidence: [['/proc, resident memory', tableOf(processes)]],
    suggestions: hog && isServersOwn(unit) ? [restart(unit, holds), ...dropOffender(first, holds)] : [],
  });
  await addNearLimit(report, context, processes, totalBytes);
}

async function addNearLimit(
  report: Report,
  context: ObserveContext,
  processes: readonly Process[],
  totalBytes: number,
): Promise<void> {
  const byUnit = Map.groupBy(processes, ({ pid }) => unitOfProcess(pid) ?? '');
  const uses = [...byUnit]
    .filter(([unit]) => isServersOwn(unit))
    .map(([unit, those]) => ({ unit, those, bytes: those.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0) }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, UNITS);
  const limits = await readMemoryLimits(
    context,
    uses.map(({ unit }) => unit),
  );
  for (const { unit, those, bytes } of uses) {
    const max = limits.get(unit)?.max ?? null;
    if (max === null || bytes < max * NEAR_LIMIT) continue;
    const [largest] = those;
    report.add({
      kind: 'memory.near_limit',
      severity: 'warning',
      title: `${unit} holds ${sayBytes(bytes)}, ${sayRatio(bytes / Math.max(1, max))} of its own limit of ${sayBytes(max)}.`,
      evidence: [[`processes of ${unit}`, tableOf(those)]],
      causes: ['It leaks memory, or its limit (MemoryMax) is too small for its load: above it the kernel kills it.'],
      suggestions: [
        ...memoryLimit(unit, bytes, totalBytes, 'It gives the unit room until its next restart.'),
        ...(largest === undefined ? [] : dropOffender(largest, `It holds ${sayBytes(largest.memoryBytes)}.`)),
      ],
    });
  }
}

function tableOf(processes: readonly Process[]): string {
  return processes.slice(0, TOP).map(printProcess).join('\n');
}

function printProcess({ pid, name, memoryBytes, state }: Process): string {
  const command = commandLineOf(pid).slice(0, 160) || `[${name}]`;
  return `${sayBytes(memoryBytes).padStart(9)}  ${String(pid).padStart(7)} ${state} ${unitOfProcess(pid) ?? '-'}  ${command}`;
}

/** The playbook that frees what a unit leaked. */
export function restart(unit: string, why: string): Suggestion {
  return { playbook: 'service.restart', parameters: { unit }, why };
}
