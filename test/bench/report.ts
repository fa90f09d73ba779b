/** What a run leaves: the machine, the versions and the rows, as JSON too. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { type GoalId, goalIds, type Row } from './judge.ts';
import { findPeer, peers } from './peers/find-program.ts';

export interface Report {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly quick: boolean;
  readonly machine: string;
  /** One-minute load average before and after: what else went on. */
  readonly load: readonly [number, number];
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  /** Goals that could not be measured, with the error's words. */
  readonly failed: Readonly<Partial<Record<GoalId, string>>>;
}

export function machineNow(): string {
  const model = cpus()[0]?.model.trim() || 'CPU of unknown model';
  return `${cpus().length} × ${model}, ${(totalmem() / 1024 ** 3).toFixed(0)} GiB, Linux`;
}

export const loadNow = (): number => Math.round((loadavg()[0] ?? 0) * 10) / 10;

/** Versions of Node and of the peers; a missing peer says which Debian package brings it. */
export async function versionsNow(): Promise<Record<string, string>> {
  const versions: Record<string, string> = { node: process.versions.node };
  for (const [name, { package: debian, version }] of Object.entries(peers)) {
    if (version === null) continue;
    const peer = findPeer(name as keyof typeof peers);
    versions[name] =
      'missing' in peer ? `not on this machine (Debian: ${debian})` : await firstLine(peer.path, version);
  }
  return versions;
}

async function firstLine(path: string, argv: readonly string[]): Promise<string> {
  // ssh and sshd print their version on the error stream, and sshd ends with 1 for an option that it does not know.
  const { stdout, stderr } = await promisify(execFile)(path, [...argv]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  const lines = `${stdout}\n${stderr}`.split('\n').map((line) => line.trim());
  return lines.find((line) => /\d+\.\d+/.test(line)) ?? 'of unknown version';
}

/** Several runs as one: where two measured a goal, the later file counts. */
export async function readReports(files: readonly string[]): Promise<Report[]> {
  return Promise.all(files.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as Report));
}

/** The report whose rows count for a goal: the last that measured it. */
export function reportFor(reports: readonly Report[], goal: GoalId): Report | undefined {
  return reports.findLast((it) => goal in it.failed || it.rows.some((row) => row.goal === goal));
}

export function rowsOf(reports: readonly Report[]): Row[] {
  return goalIds.flatMap((goal) => reportFor(reports, goal)?.rows.filter((row) => row.goal === goal) ?? []);
}
