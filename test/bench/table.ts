/** Rows as text: for the terminal, and as a table of Markdown. */
import type { Row, Unit } from './judge.ts';
import type { Spread } from './statistics.ts';

/** A number with three figures that count: 0.0123, 1.23, 12.3, 123, 12,300. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Number(value.toPrecision(3));
  return digits > 0 ? rounded.toFixed(Math.min(digits, 5)) : rounded.toLocaleString('en-GB');
}

/** The median with its unit, and the spread of the rounds behind it. */
export function spreadText(spread: Spread, unit: Unit): string {
  const { median, low, high } = spread;
  const unitText = unit === '' ? '' : unit === '/s' ? '/s' : ` ${unit}`;
  const range = figure(low) === figure(high) ? '' : ` (${figure(low)} to ${figure(high)})`;
  return `${figure(median)}${unitText}${range}`;
}

export function peerText({ peer, unit }: Row): string {
  if (peer === null) return '–';
  if (peer.missing !== null) return `${peer.name}: not on this machine (Debian: ${peer.missing})`;
  return peer.figures === null ? peer.name : `${peer.name}: ${spreadText(peer.figures, unit)}`;
}

export function ratioText({ ratio }: Row): string {
  if (ratio === null) return '–';
  return spreadText(ratio, '');
}

export function boundText({ bound, peer, unit }: Row): string {
  if (bound === null) return '–';
  const sign = bound.kind === 'at most' ? '≤' : '≥';
  const unitText = unit === '' ? '' : unit === '/s' ? '/s' : ` ${unit}`;
  return peer === null ? `${sign} ${figure(bound.value)}${unitText}` : `${sign} ${bound.value} ×`;
}

const headings = ['goal', 'what', 'ours', 'peer', 'ratio', 'asked', ''] as const;
const cells = (row: Row): string[] => [
  row.goal,
  row.what,
  spreadText(row.ours, row.unit),
  peerText(row),
  ratioText(row),
  boundText(row),
  row.verdict,
];

/** For the terminal: columns as wide as they need, and the note of each row below it. */
export function terminalTable(rows: readonly Row[]): string {
  const lines = rows.map(cells);
  const widths = headings.map((heading, n) => Math.max(heading.length, ...lines.map((line) => line[n]?.length ?? 0)));
  const text = (line: readonly string[]) =>
    line
      .map((cell, n) => cell.padEnd(widths[n] ?? 0))
      .join('  ')
      .trimEnd();
  const indent = ' '.repeat((widths[0] ?? 0) + 2);
  return [text(headings), ...lines.flatMap((line, n) => [text(line), `${indent}${rows[n]?.note ?? ''}`]), ''].join(
    '\n',
  );
}

export function markdownTable(rows: readonly Row[]): string {
  const line = (of: readonly string[]) => `| ${of.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const shown = (row: Row) => cells(row).map((cell, n) => (n === headings.length - 1 ? `**${cell}**` : cell));
  return [
    line(headings.map((it) => it || 'verdict')),
    `|${'---|'.repeat(headings.length)}`,
    ...rows.map(shown).map(line),
  ].join('\n');
}
