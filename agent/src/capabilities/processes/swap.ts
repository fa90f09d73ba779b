import { delay, type Suggestion } from '@countersign/protocol';
import { readProcesses, swappedBytesOf, unitOfProcess } from '../../host/processes.ts';
import { readSwaps, readSwapTraffic, type Swap } from '../../host/swaps.ts';
import { readMemory } from '../../host/system.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { Report, sayBytes, sayRatio } from '../report.ts';
import { placeForSwap } from './swap-place.ts';

const WINDOW_MS = 1000;
const TOP = 10;
const FULL = 0.8;
const FULL_CRITICAL = 0.95;
const MEMORY_SCARCE = 0.1;
/** Bytes moved in a second. */
const BUSY = 4 * 1024 ** 2;
const BUSY_CRITICAL = 40 * 1024 ** 2;
/** Less than this left over in swap costs nobody time. */
const LEFT_OVER_MIN = 16 * 1024 ** 2;
/** How much more memory than swap in use must be free to bring it back. */
export const SPARE_RATIO = 1.2;

/** How full swap is, how busy it is, and who lies in it. */
export const swap: Observer<'swap'> = async (_, context) => {
  const report = new Report(context);
  const swaps = readSwaps();
  const total = sum(swaps, ({ bytes }) => bytes);
  const used = sum(swaps, ({ usedBytes }) => usedBytes);
  const available = readMemory().availableBytes;
  report.figure('swap_bytes', total);
  report.figure('swap_used_bytes', used);
  report.figure('memory_available_bytes', available);
  if (swaps.length === 0) addNone(report, context);
  else {
    const rate = await trafficOf(context);
    report.figure('swap_in_bytes_per_s', rate.inBytes);
    report.figure('swap_out_bytes_per_s', rate.outBytes);
    addFullness(report, context, { total, used });
    addTraffic(report, rate.inBytes + rate.outBytes);
    addLeftOver(report, swaps, { busy: rate.inBytes + rate.outBytes >= BUSY, available });
    addTop(report);
  }
  if (report.isCalm)
    report.add({
      kind: 'swap.calm',
      severity: 'ok',
      title:
        total === 0
          ? 'Nothing is swapped: there is no swap.'
          : `${sayBytes(used)} of ${sayBytes(total)} of swap are in use, and little moves.`,
    });
  return report.finish();
};

async function trafficOf(context: ObserveContext) {
  const before = readSwapTraffic();
  const at = context.clock.monotonic();
  await delay(context.clock, WINDOW_MS, context.signal);
  const seconds = Math.max(0.001, (context.clock.monotonic() - at) / 1000);
  const after = readSwapTraffic();
  const rate = (name: 'inBytes' | 'outBytes') => Math.max(0, after[name] - before[name]) / seconds;
  return { inBytes: rate('inBytes'), outBytes: rate('outBytes') };
}

function addNone(report: Report, context: ObserveContext): void {
  const { availableBytes, totalBytes } = readMemory();
  const scarce = availableBytes / Math.max(1, totalBytes) < MEMORY_SCARCE;
  report.add({
    kind: 'swap.none',
    severity: scarce ? 'warning' : 'info',
    title: `The server has no swap; ${sayBytes(availableBytes)} of ${sayBytes(totalBytes)} of memory can still be given out.`,
    causes: ['Without swap the kernel kills a process as soon as memory runs out.'],
    suggestions: addSwap(context, 'It gives the server room for peaks.'),
  });
}

function addFullness(
  report: Report,
  context: ObserveContext,
  { total, used }: { readonly total: number; readonly used: number },
): void {
  const ratio = used / Math.max(1, total);
  if (ratio < FULL) return;
  report.add({
    kind: 'swap.full',
    severity: ratio >= FULL_CRITICAL ? 'critical' : 'warning',
    title: `Swap is ${sayRatio(ratio)} full: ${sayBytes(used)} of ${sayBytes(total)}.`,
    causes: ['A process that leaks or has outgrown the server: run memory_oom.'],
    suggestions: addSwap(context, 'It gives room until the cause is found.'),
  });
}

function addTraffic(report: Report, bytesPerS: number): void {
  if (bytesPerS < BUSY) return;
  report.add({
    kind: 'swap.thrashing',
    severity: bytesPerS >= BUSY_CRITICAL ? 'critical' : 'warning',
    title: `${sayBytes(bytesPerS)} move between memory and swap each second.`,
    causes: ['More memory is in use at the same time than there is: run memory_oom for who uses it.'],
  });
}

/** What was swapped out in a peak stays there until it is read, and makes programs slow long after. */
function addLeftOver(
  report: Report,
  swaps: readonly Swap[],
  { busy, available }: { readonly busy: boolean; readonly available: number },
): void {
  const cyclable = swaps.filter(
    ({ usedBytes }) => usedBytes >= LEFT_OVER_MIN && !busy && available > usedBytes * SPARE_RATIO,
  );
  for (const { path, usedBytes } of cyclable)
    report.add({
      kind: 'swap.left_over',
      severity: 'info',
      title: `${sayBytes(usedBytes)} lie in ${path} although ${sayBytes(available)} of memory can be given out.`,
      causes: ['A peak that is over. Programs are slow until they have read back what was swapped out.'],
      suggestions: [
        { playbook: 'swap.cycle', parameters: { device: path }, why: 'It brings everything back into memory.' },
      ],
    });
}

function addTop(report: Report): void {
  const processes = readProcesses();
  const swapped = processes.map((process) => ({ process, bytes: swappedBytesOf(process.pid) }));
  const blind = swapped.filter(({ bytes }) => bytes === null).length;
  if (blind > 0)
    report.blind(`What ${blind} of ${processes.length} processes have in swap`, 'the agent has no right to it');
  const top = swapped
    .flatMap(({ process, bytes }) => (bytes === null || bytes === 0 ? [] : [{ process, bytes }]))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, TOP);
  const [first] = top;
  if (first === undefined) return;
  report.add({
    kind: 'swap.top',
    severity: 'info',
    title: `${unitOfProcess(first.process.pid) ?? first.process.name} (process ${first.process.pid}) has most in swap: ${sayBytes(first.bytes)}.`,
    evidence: [
      [
        '/proc, VmSwap',
        top
          .map(
            ({ process: { pid, name }, bytes }) =>
              `${sayBytes(bytes).padStart(9)}  ${String(pid).padStart(7)} ${unitOfProcess(pid) ?? '-'}  ${name}`,
          )
          .join('\n'),
      ],
    ],
  });
}

function addSwap(context: ObserveContext, why: string): Suggestion[] {
  const place = placeForSwap(context.localPolicy);
  return place === null ? [] : [{ playbook: 'swap.add', parameters: place, why }];
}

function sum(swaps: readonly Swap[], of: (swap: Swap) => number): number {
  return swaps.reduce((total, each) => total + of(each), 0);
}
