/** `npm run bench`: every goal side by side with its peers. Loopback only; bounded in count and time. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { projectFolder } from '../world/places.ts';
import type { Bench } from './goal.ts';
import { goals } from './goals/index.ts';
import type { GoalId, Row } from './judge.ts';
import { type Options, readOptions, usage } from './options.ts';
import { page } from './page.ts';
import { plot } from './plot.ts';
import { loadNow, machineNow, type Report, readReports, rowsOf, versionsNow } from './report.ts';
import { terminalTable } from './table.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

async function measure({ goals: wanted, quick }: Options): Promise<Report> {
  const at = new Date().toISOString();
  const before = loadNow();
  const bench: Bench = { quick, say: (line) => say(`   ${line}`), count: (full, small) => (quick ? small : full) };
  const rows: Row[] = [];
  const failed: Partial<Record<GoalId, string>> = {};
  for (const goal of goals.filter(({ id }) => wanted.includes(id))) {
    const began = performance.now();
    say(`${goal.id}: ${goal.asks}`);
    try {
      rows.push(...(await goal.measure(bench)));
    } catch (error) {
      // One goal that cannot be measured does not take the others with it; it is told at the end and by the exit code.
      failed[goal.id] = error instanceof Error ? error.message : String(error);
      say(`   not measured: ${error instanceof Error ? error.stack : error}`);
    }
    say(`   ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  const versions = await versionsNow();
  return { at, quick, machine: machineNow(), load: [before, loadNow()], versions, rows, failed };
}

async function writeDocs(reports: readonly Report[]): Promise<void> {
  const docs = join(projectFolder, 'docs');
  await writeFile(join(docs, 'benchmarks.md'), page(reports, goals));
  await writeFile(join(docs, 'images/benchmarks.svg'), plot(rowsOf(reports)));
  say('wrote docs/benchmarks.md and docs/images/benchmarks.svg');
}

function readCommandLine(): Options {
  try {
    return readOptions(process.argv.slice(2), process.env.INIT_CWD ?? process.cwd());
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    say(usage);
    process.exit(2);
  }
}

const options = readCommandLine();
const reports = options.from.length > 0 ? await readReports(options.from) : [await measure(options)];
process.stdout.write(
  `${reports.map(({ machine, versions }) => `${machine}, Node ${versions.node}`).join('\n')}\n\n${terminalTable(rowsOf(reports))}\n`,
);
if (options.json !== null) {
  await mkdir(dirname(options.json), { recursive: true });
  await writeFile(options.json, `${JSON.stringify(reports.at(-1), null, 2)}\n`);
}
if (options.writeDocs) await writeDocs(reports);
for (const { failed } of reports)
  for (const [goal, why] of Object.entries(failed)) {
    process.stdout.write(`${goal} was not measured: ${why}\n`);
    process.exitCode = 1;
  }
// What a failed goal left open (a socket, a timer) must not keep the program.
process.exit();
