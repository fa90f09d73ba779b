/** A unified diff for a small screen. Pure. */
import { escapeDeceptive, shorten } from '@countersign/protocol';
import { redact } from '@countersign/protocol/redaction';

const LINES_MAX = 24;
const CHARACTERS_MAX = 900;
const LINE_MAX = 160;
/** A card never shows what is beyond; reading a whole megabyte for each edit would hold everything else up. */
const LOOKED_AT = 8_000;

/** The lines of a diff, safe to read: what could deceive the eye is escaped, secrets are blacked out. */
export function diffLines(diff: string): string[] {
  const { text } = redact(diff);
  return text
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => escapeDeceptive(line.replaceAll('\t', '    ')));
}

/** As much of a diff as a card has room for; `cut` when that is not all of it. */
export function shownDiff(diff: string): { readonly text: string; readonly cut: boolean } {
  const all = diffLines(diff.slice(0, LOOKED_AT));
  const text = all
    .slice(0, LINES_MAX)
    .map((line) => shorten(line, LINE_MAX))
    .join('\n');
  const cut =
    diff.length > LOOKED_AT ||
    all.length > LINES_MAX ||
    text.length > CHARACTERS_MAX ||
    all.some((line) => line.length > LINE_MAX);
  return { text: shorten(text, CHARACTERS_MAX), cut };
}

/** How much diffs change: `2 files: 3 lines added, 1 removed`; `One file: 1 line added, none removed`. */
export function changeSummary(diffs: readonly string[]): string {
  const all = diffs.flatMap((diff) => diff.split('\n'));
  const beginning = (sign: string, header: string) =>
    all.filter((line) => line.startsWith(sign) && !line.startsWith(header)).length;
  const [added, removed] = [beginning('+', '+++ '), beginning('-', '--- ')];
  const files = diffs.length === 1 ? 'One file' : `${diffs.length} files`;
  return `${files}: ${added || 'no'} ${added === 1 ? 'line' : 'lines'} added, ${removed || 'none'} removed`;
}
