/** `npm run bench`: every goal side by side with its peers. Loopback only; bounded in count and time. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeBundle } from '../../control-plane/src/bundled.ts';
import { projectFolder } from '../world/places.ts';
import type { Bench } from './goal.ts';
import { goals } from './goals/index.ts';
import type { GoalId, Row } from './judge.ts';
import { type Options, readOptions, usage } from './options.ts';
import { page } from './page.ts';
import { plot } from './plot.ts';
import { loadNow, machineNow, type Report, readReports, reportFor, rowsOf, versionsNow } from './report.ts';
import { terminalTable } from './table.ts';

const say = (line: string) => void process.stderr.write(`${line}\n`);

/** What is measured of the control plane is its bundle, as `npm start` makes it. */
async function measure(options: Options): Promise<Report> {
  const { goals: wanted, quick } = options;
  const at = new Date().toISOString();
  await makeBundle();
  const before = loadNow();
  const bench: Bench = { quick, say: (line) => say(`   ${line}`), count: (full, small) => (quick ? small : full) };
  const rows: Row[] = [];
  const failed: Partial<Record<GoalId, string>> = {};
  let report: Report = {
    at,
    quick,
    machine: machineNow(),
    load: [before, before],
    versions: await versionsNow(),
    rows,
    failed,
  };
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
    report = { ...report, load: [before, loadNow()] };
    await keep(options, report);
  }
  return report;
}

/** After each goal: a run that is cut off leaves what it has measured. */
async function keep({ json }: Options, report: Report): Promise<void> {
  if (json === null) return;
  await mkdir(dirname(json), { recursive: true });
  await writeFile(json, `${JSON.stringify(report, null, 2)}\n`);
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

// So that what was started ends with us when somebody has seen enough.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

const options = readCommandLine();
const reports = options.from.length > 0 ? await readReports(options.from) : [await measure(options)];
process.stdout.write(
  `${reports.map(({ machine, versions }) => `${machine}, Node ${versions.node}`).join('\n')}\n\n${terminalTable(rowsOf(reports))}\n`,
);
if (options.writeDocs) await writeDocs(reports);
for (const goal of goals) {
  const why = reportFor(reports, goal.id)?.failed[goal.id];
  if (why === undefined) continue;
  process.stdout.write(`${goal.id} was not measured: ${why}\n`);
  process.exitCode = 1;
}
// What a failed goal left open (a socket, a timer) must not keep the program.
process.exit();
