/** Unified diffs for people who approve: secrets blacked out. Source: diff(1); E. Myers, An O(ND) Difference Algorithm (1986). */
import { redact } from './redaction.ts';
import { stripControl } from './text.ts';

const CONTEXT_LINES = 3;
/** Beyond this many differing lines the middle is shown as replaced as a whole. */
const EDITS_MAX = 600;
const CHARACTERS_MAX = 200 * 1024;
const KEY_BEGIN = /-----BEGIN (?:[A-Z0-9 ]+ )?PRIVATE KEY/;
const KEY_END = /-----END (?:[A-Z0-9 ]+ )?PRIVATE KEY/;

type Edit = { readonly sign: ' ' | '-' | '+'; readonly text: string };

/** The diff from `before` to `after`, redacted; empty when they are equal. `null` before stands for no file. */
export function unifiedDiff(
  path: string,
  before: string | null,
  after: string,
  secrets: readonly string[] = [],
): string {
  if (before === after) return '';
  const edits = editsBetween(linesOf(before ?? ''), linesOf(after));
  const body = hunks(edits);
  const head = `--- ${before === null ? '/dev/null' : path}\n+++ ${path}\n`;
  const text = head + redact(stripControl(body), secrets).text;
  return text.length <= CHARACTERS_MAX
    ? text
    : `${text.slice(0, CHARACTERS_MAX).toWellFormed()}\n… the diff is cut here\n`;
}

function linesOf(text: string): string[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  else lines[lines.length - 1] += '\n\\ No newline at end of file';
  return withoutKeys(lines);
}

/** A hunk may begin in the middle of a private key, where no pattern finds it: its lines are blacked out beforehand. */
function withoutKeys(lines: readonly string[]): string[] {
  let inside = false;
  return lines.map((line) => {
    const hide = inside && !KEY_END.test(line);
    if (KEY_BEGIN.test(line)) inside = true;
    if (KEY_END.test(line)) inside = false;
    return hide ? '[redacted]' : line;
  });
}

function editsBetween(a: readonly string[], b: readonly string[]): Edit[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const same = (lines: readonly string[]) => lines.map((text): Edit => ({ sign: ' ', text }));
  return [
    ...same(a.slice(0, start)),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ];
}

/** Myers' greedy algorithm: the furthest points of each number of edits are kept, and the path is walked back. */
function middle(a: readonly string[], b: readonly string[]): Edit[] {
  const trace: Map<number, number>[] = [];
  let furthest = new Map<number, number>([[1, 0]]);
  for (let edits = 0; edits <= Math.min(a.length + b.length, EDITS_MAX); edits += 1) {
    trace.push(new Map(furthest));
    const next = new Map(furthest);
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
      let x = down ? (furthest.get(k + 1) ?? 0) : (furthest.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x += 1;
      next.set(k, x);
      if (x >= a.length && x - k >= b.length) return walkBack(a, b, trace);
    }
    furthest = next;
  }
  return [...a.map((text): Edit => ({ sign: '-', text })), ...b.map((text): Edit => ({ sign: '+', text }))];
}

function walkBack(a: readonly string[], b: readonly string[], trace: readonly Map<number, number>[]): Edit[] {
  const edits: Edit[] = [];
  let x = a.length;
  let y = b.length;
  for (let depth = trace.length - 1; depth >= 0; depth -= 1) {
    const furthest = trace[depth] as Map<number, number>;
    const k = x - y;
    const down = k === -depth || (k !== depth && (furthest.get(k - 1) ?? -1) < (furthest.get(k + 1) ?? -1));
    const fromX = furthest.get(down ? k + 1 : k - 1) ?? 0;
    const fromY = fromX - (down ? k + 1 : k - 1);
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      edits.push({ sign: ' ', text: a[x] ?? '' });
    }
    if (depth === 0) break;
    if (down) edits.push({ sign: '+', text: b[--y] ?? '' });
    else edits.push({ sign: '-', text: a[--x] ?? '' });
  }
  return edits.reverse();
}

function hunks(edits: readonly Edit[]): string {
  const changed = edits.flatMap(({ sign }, index) => (sign === ' ' ? [] : [index]));
  const ranges: { from: number; to: number }[] = [];
  for (const index of changed) {
    const last = ranges.at(-1);
    const from = Math.max(0, index - CONTEXT_LINES);
    const to = Math.min(edits.length, index + CONTEXT_LINES + 1);
    if (last && from <= last.to) last.to = to;
    else ranges.push({ from, to });
  }
  let done = 0;
  let oldLine = 1;
  let newLine = 1;
  return ranges
    .map(({ from, to }) => {
      for (; done < from; done += 1) {
        oldLine += 1;
        newLine += 1;
      }
      const part = edits.slice(from, to);
      const olds = part.filter(({ sign }) => sign !== '+').length;
      const news = part.filter(({ sign }) => sign !== '-').length;
      const head = `@@ -${olds === 0 ? oldLine - 1 : oldLine},${olds} +${news === 0 ? newLine - 1 : newLine},${news} @@\n`;
      oldLine += olds;
      newLine += news;
      done = to;
      return head + part.map(({ sign, text }) => `${sign}${text}\n`).join('');
    })
    .join('');
}
