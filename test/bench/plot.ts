/**
 * The goals as a picture: for each row a bar from 1, the goal, to where we are; to the left is better than asked, to the right
 * worse, on a logarithmic scale. SVG by hand: a few rectangles and words need no library.
 */
import type { Row } from './judge.ts';
import { figure } from './table.ts';

const WIDTH = 960;
const LABELS = 500;
const RIGHT = 70;
const TOP = 40;
const LINE = 22;
/** Room for a number. */
const NUMBER = 50;
/** What lies beyond is drawn to the edge, with its number beside it. */
const [LEAST, MOST] = [0.05, 20];
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10];
const COLOURS = { met: '#2e7d4f', 'not met': '#c2571a' } as const;

/** An SVG document with one bar for each row that was judged. */
export function plot(rows: readonly Row[]): string {
  const judged = rows.filter((row) => row.verdict === 'met' || row.verdict === 'not met');
  const height = TOP + judged.length * LINE + 16;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" role="img" aria-label="Each figure against its goal">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text(LABELS, 14, 'distance from the goal (log scale): left of 1 is better than asked', '#333333'),
    ...TICKS.map((value) => tick(value, height)),
    ...judged.map((row, n) => bar(row, TOP + n * LINE)),
    '</svg>',
    '',
  ].join('\n');
}

/** Where a distance stands, in pixels from the left. */
function place(value: number): number {
  const bounded = Math.min(MOST, Math.max(LEAST, value));
  const share = Math.log(bounded / LEAST) / Math.log(MOST / LEAST);
  return Math.round(LABELS + share * (WIDTH - LABELS - RIGHT));
}

function tick(value: number, height: number): string {
  const x = place(value);
  const goal = value === 1;
  return `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${height - 10}" stroke="${goal ? '#333333' : '#dddddd'}" stroke-width="${goal ? 2 : 1}"/>${text(x, TOP - 10, String(value), '#666666', 'middle')}`;
}

function bar(row: Row, y: number): string {
  // Infinity does not survive JSON: what is not met and has no number is infinitely far.
  const value = row.againstGoal ?? Number.POSITIVE_INFINITY;
  const [from, to] = [place(1), place(value)];
  const colour = COLOURS[row.verdict === 'met' ? 'met' : 'not met'];
  const label = row.peer === null ? row.what : `${row.what} / ${row.peer.name}`;
  // Beside the end of its bar; a bar that ends near the labels has its number inside.
  const after = to - LABELS < NUMBER || value > 1;
  const [end, anchor] = after ? [to + 6, 'start'] : [to - 6, 'end'];
  const fill = after && value < 1 ? '#ffffff' : '#444444';
  return [
    text(LABELS - 12, y + 14, `${row.goal}  ${label}`.replaceAll('`', ''), '#222222', 'end'),
    `<rect x="${Math.min(from, to)}" y="${y + 4}" width="${Math.max(2, Math.abs(to - from))}" height="${LINE - 8}" fill="${colour}"/>`,
    text(end, y + 14, Number.isFinite(value) ? figure(value) : 'far', fill, anchor),
  ].join('');
}

function text(x: number, y: number, words: string, fill: string, anchor = 'start'): string {
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" fill="${fill}" text-anchor="${anchor}">${safe}</text>`;
}
