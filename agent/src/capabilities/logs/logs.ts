import { durationMs, fault, type ParametersOf, redact, stripControl } from '@countersign/protocol';
import { readTail } from '../../host/read-tail.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { readContainerLog } from '../containers/container-log.ts';
import { withoutKeyLines } from '../files/key-lines.ts';
import { readableRoots } from '../files/roots.ts';
import { count, Report } from '../report.ts';
import { readJournal } from './journal.ts';
import { levelOf, levelOfPriority, mostFrequent } from './log-lines.ts';

const TAIL_BYTES = 2 * 1024 * 1024;
const JOURNAL_MAX = 5000;
const SHOWN_CHARACTERS = 7000;

interface Line {
  readonly text: string;
  readonly level: 'error' | 'warning' | 'info';
}

/** Lines of a unit, of a container, of a file, or of the whole journal when none is named; counted by level. */
export const logs: Observer<'logs'> = async ({ unit, container, file, since, grep, lines }, context) => {
  if ([unit, container, file].filter((source) => source !== undefined).length > 1)
    throw fault('invalid_input', { problems: 'unit, container, file: name one of them' });
  const report = new Report(context);
  const { source, read } = sourceOf({ unit, container, file, since });
  const found = await read(report, context);
  const fitting = grep === undefined ? found : found.filter(({ text }) => text.includes(grep));
  const chosen = fitting.slice(-lines);
  if (fitting.length > chosen.length) report.cut();
  const levels = Map.groupBy(fitting, ({ level }) => level);
  const errors = levels.get('error') ?? [];
  const warnings = levels.get('warning') ?? [];
  report.figure('lines', fitting.length);
  report.figure('errors', errors.length);
  report.figure('warnings', warnings.length);
  if (errors.length > 0)
    report.add({
      kind: 'logs.errors',
      severity: 'warning',
      title: `${source} has ${count(errors.length, 'error line')} and ${count(warnings.length, 'warning')}.`,
      evidence: [
        [
          'most frequent error lines',
          mostFrequent(
            errors.map(({ text }) => text),
            8,
          )
            .map(({ example, times }) => `${times} times: ${example}`)
            .join('\n'),
        ],
      ],
    });
  report.add({
    kind: 'logs.lines',
    severity: errors.length > 0 || chosen.length === 0 ? 'info' : 'ok',
    title:
      chosen.length === 0
        ? `${source} has no fitting lines.`
        : `The last ${count(chosen.length, 'line')} of ${source}.`,
    evidence: pieces(chosen.map(({ text }) => text)).map(
      (piece, index) => [`${source}, part ${index + 1}`, piece] as const,
    ),
  });
  return report.finish();
};

/** What is read, in words, and how. */
function sourceOf({
  unit,
  container,
  file,
  since,
}: Pick<ParametersOf<'logs'>, 'unit' | 'container' | 'file' | 'since'>): {
  readonly source: string;
  readonly read: (report: Report, context: ObserveContext) => Line[] | Promise<Line[]>;
} {
  if (file !== undefined) return { source: file, read: (report, context) => fromFile(report, context, file) };
  if (container !== undefined)
    return {
      source: `container ${container}`,
      read: (report, context) => fromContainer(report, context, container, since),
    };
  return {
    source: unit === undefined ? 'the journal' : `the journal of ${unit}`,
    read: (report, context) => fromJournal(report, context, unit, since),
  };
}

async function fromJournal(
  report: Report,
  context: ObserveContext,
  unit: string | undefined,
  since: string,
): Promise<Line[]> {
  const answer = await readJournal(context, {
    ...(unit === undefined ? { maxLevel: 4 } : { unit }),
    since: context.clock.now() - durationMs(since),
    lines: JOURNAL_MAX,
  });
  if (answer.blind !== null) report.blind('The journal', answer.blind);
  if (answer.lines.length === JOURNAL_MAX) report.cut();
  const messages = withoutKeyLines(answer.lines.map(({ message }) => message));
  return answer.lines.map(({ at, source, level }, index) => ({
    text: clean(`${new Date(at).toISOString().slice(0, 19)}Z ${source}: ${messages[index]}`, context),
    level: levelOfPriority(level),
  }));
}

async function fromContainer(
  report: Report,
  context: ObserveContext,
  container: string,
  since: string,
): Promise<Line[]> {
  const from = context.clock.now() - durationMs(since);
  const answer = await readContainerLog(context, { container, since: from, lines: JOURNAL_MAX });
  if (answer.blind !== null) report.blind(`The log of ${container}`, answer.blind);
  if (answer.cut || answer.lines.length >= JOURNAL_MAX) report.cut();
  return answer.lines
    .filter((line) => line.trim() !== '')
    .map((line) => ({ text: clean(line, context), level: levelOf(line) }));
}

/** A file has no times that we can be sure of, so `since` does not count for it. */
function fromFile(report: Report, context: ObserveContext, path: string): Line[] {
  const tail = readTail(path, readableRoots(context.localPolicy), TAIL_BYTES);
  if (tail.cut) report.cut();
  report.figure('file_bytes', tail.bytes);
  return withoutKeyLines(tail.text.split('\n'))
    .filter((line) => line.trim() !== '')
    .map((line) => ({ text: clean(line, context), level: levelOf(line) }));
}

/** Redacted before it is searched, so that nobody can guess a secret by searching for its parts. */
function clean(line: string, context: ObserveContext): string {
  return redact(stripControl(line).replace(/\n+/g, ' ⏎ '), context.localPolicy.secretValues).text;
}

/** Whole lines in pieces that fit a piece of evidence; the newest ones when there are too many. */
function pieces(lines: readonly string[]): string[] {
  const parts: string[] = [];
  let part: string[] = [];
  let size = 0;
  for (const line of lines.toReversed()) {
    if (size + line.length > SHOWN_CHARACTERS && part.length > 0) {
      parts.unshift(part.toReversed().join('\n'));
      part = [];
      size = 0;
    }
    part.push(line);
    size += line.length + 1;
  }
  if (part.length > 0) parts.unshift(part.toReversed().join('\n'));
  return parts.slice(-7);
}
