/** Reading the system journal. Source: journalctl(1), systemd.journal-fields(7). */
import { Fault } from '@countersign/protocol';
import { readJournalFiles } from '../../host/journal-files.ts';
import type { ObserveContext } from '../capability.ts';

export interface JournalLine {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** 0 emergency to 7 debug, syslog(3). */
  readonly level: number;
  readonly unit: string | null;
  readonly source: string;
  readonly message: string;
}

export interface JournalRequest {
  /** Fields that must match, each `NAME=value`; `+` between groups means or. */
  readonly matches?: readonly string[];
  readonly unit?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  /** The newest so many. */
  readonly lines: number;
  /** Only this bad and worse. */
  readonly maxLevel?: number;
  /** Only messages that this finds, a regular expression of PCRE2. */
  readonly grep?: string;
}

/** Lines, oldest first; or why there are none to be had. */
export type JournalAnswer = { readonly lines: readonly JournalLine[]; readonly blind: string | null };

const ASK_MS = 12_000;
const LINE_BYTES = 4096;
const NEEDS_ROOT = 'the agent may not read the journal without root';

export async function readJournal(context: ObserveContext, request: JournalRequest): Promise<JournalAnswer> {
  const argv = [
    'journalctl',
    '--no-pager',
    '--output=json',
    '--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT,UNIT,SYSLOG_IDENTIFIER,_COMM',
    `--lines=${request.lines}`,
    // With --since it would begin with the oldest line otherwise, and show the first ones only.
    '--reverse',
    ...(request.since === undefined ? [] : [`--since=@${Math.floor(request.since / 1000)}`]),
    ...(request.maxLevel === undefined ? [] : [`--priority=${request.maxLevel}`]),
    ...(request.unit === undefined ? [] : [`--unit=${request.unit}`]),
    ...(request.grep === undefined ? [] : [`--grep=${request.grep}`, '--case-sensitive=yes']),
    ...(request.matches ?? []),
  ];
  const done = await context.exec({
    argv,
    timeoutMs: ASK_MS,
    maxBytes: request.lines * LINE_BYTES + 65_536,
    signal: context.signal,
  });
  if (done.notStarted !== null) return { lines: [], blind: 'journalctl is not installed' };
  const lines = done.stdout.split('\n').flatMap(parseJournalLine).reverse();
  // With --grep, finding nothing is an exit code of 1 and no complaint.
  const foundNone = request.grep !== undefined && done.exitCode === 1 && done.stderr.trim() === '';
  return { lines, blind: blindness(foundNone ? 0 : done.exitCode, done.stderr, lines.length) };
}

/** One line of `journalctl --output=json`; none for what is not one (the last line of cut output). */
export function parseJournalLine(text: string): JournalLine[] {
  if (!text.startsWith('{')) return [];
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
  const field = (name: string) => textOf(entry[name]);
  return [
    {
      at: Math.floor(Number(field('__REALTIME_TIMESTAMP') ?? 0) / 1000),
      level: Number(field('PRIORITY') ?? 6),
      unit: field('UNIT') ?? field('_SYSTEMD_UNIT') ?? null,
      source: field('SYSLOG_IDENTIFIER') ?? field('_COMM') ?? 'unknown',
      message: field('MESSAGE') ?? '',
    },
  ];
}

/** `2026-11-20T02:10:13Z nginx: message`, for evidence. */
export function printJournal(lines: readonly JournalLine[]): string {
  return lines
    .map(({ at, source, message }) => `${new Date(at).toISOString().slice(0, 19)}Z ${source}: ${message}`)
    .join('\n');
}

/** Values that are no UTF-8 come as arrays of bytes; repeated fields as arrays of values. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length === 0) return undefined;
  if (value.every((byte) => typeof byte === 'number')) return Buffer.from(value).toString('utf8');
  return textOf(value.at(-1));
}

/** journalctl itself says nothing, in this form of output, when there is no journal or none that we may read. */
function blindness(exitCode: number | null, stderr: string, found: number): string | null {
  if (/insufficient permissions|not seeing messages from other users/i.test(stderr)) return NEEDS_ROOT;
  if (found > 0) return null;
  if (exitCode !== 0) return 'journalctl gave no answer in time or failed';
  try {
    return readJournalFiles().files.length === 0 ? 'this machine keeps no journal' : null;
  } catch (error) {
    if (error instanceof Fault) return NEEDS_ROOT;
    throw error;
  }
}
