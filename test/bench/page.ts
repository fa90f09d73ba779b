/** `docs/benchmarks.md`, written from the figures. */
import type { Goal } from './goal.ts';
import type { Row } from './judge.ts';
import { aboutTheRuns, remarkOn } from './remarks.ts';
import { type Report, reportFor, rowsOf } from './report.ts';
import { markdownTable } from './table.ts';

const INTRO = `# Benchmarks

Written by \`npm run bench -- --write-docs\`; do not edit by hand. The goals are those of the project's speed page; each figure is taken side by side
with its peer in one run: three interleaved rounds, the median, and in brackets the lowest and the highest round. **Ratio** is ours over the peer's, round by round: trust it more than
the absolute figures, which are those of one small machine.

- \`npm run bench\` measures every goal, \`npm run bench -- G8\` one, \`npm run bench -- G1 G2\` some; \`--quick\` takes small counts, \`--json FILE\` keeps the figures,
  \`--write-docs --from FILE\` writes this page from figures that were kept.
- Everything runs on loopback, bounded in count and time, and ends what it started. Peers are found on the machine or named as missing with the Debian package
  that brings them; nothing is installed. Debian's \`openssh-server ansible-core monit puppet-agent\` bring all.
- The path of a user is the real one: a control plane process, a link with its runner, MCP over HTTP; signature, policy, audit and redaction are on. “Allowed beforehand” means a
  rule of the policy, not a switch. Agents by the thousand are simulated: they speak the real protocol with the product's own codec, many in one process.

![Each figure against its goal](images/benchmarks.svg)
`;

/** The whole page. `reports` in the order in which they count. */
export function page(reports: readonly Report[], goals: readonly Goal[]): string {
  const rows = rowsOf(reports);
  const met = rows.filter(({ verdict }) => verdict === 'met').length;
  const judged = rows.filter(({ verdict }) => verdict === 'met' || verdict === 'not met').length;
  return [
    INTRO,
    `## Figures\n\n${met} of ${judged} judged figures are as asked.\n\n${markdownTable(rows)}\n`,
    `## Where and when\n\n${aboutTheRuns()}\n\n${reports.map(whereAndWhen).join('\n')}\n\n${versions(reports)}\n`,
    ...goals.map((goal) => section(goal, rows, reports)),
  ].join('\n');
}

function whereAndWhen(report: Report): string {
  const measured = [...new Set([...report.rows.map(({ goal }) => goal), ...Object.keys(report.failed)])].join(', ');
  const [before, after] = report.load;
  const beside =
    before >= 0.7
      ? 'the machine had not come to rest from a goal before, or other work ran, so that absolute figures are too slow'
      : 'nothing else of weight ran';
  return `- ${report.at.slice(0, 16).replace('T', ' ')} UTC, ${measured}${report.quick ? ' with `--quick`' : ''}: ${report.machine}; load before ${before}, after ${after}: ${beside}.`;
}

function versions(reports: readonly Report[]): string {
  const newest = reports.at(-1)?.versions ?? {};
  const line = ([name, version]: [string, string]) => `| ${name} | ${version.replaceAll('|', '\\|')} |`;
  return ['| program | version |', '|---|---|', ...Object.entries(newest).map(line)].join('\n');
}

function section(goal: Goal, rows: readonly Row[], reports: readonly Report[]): string {
  const own = rows.filter((row) => row.goal === goal.id);
  const error = reportFor(reports, goal.id)?.failed[goal.id];
  const lines = own.map(
    (row) => `- ${row.what}${row.peer ? ` beside ${row.peer.name}` : ''}: ${row.verdict}. ${sentence(row.note)}`,
  );
  if (error !== undefined) lines.push(`- Not measured: ${sentence(error)}`);
  if (lines.length === 0) lines.push('- Not measured in these runs.');
  return [`## ${goal.id}\n`, `${goal.asks}\n`, ...lines, '', remarkOn(goal.id), ''].join('\n');
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
