/**
 * Runs every test, a process per file. Long files go first, so that none of them is left to run alone at the end, and those that
 * work take turns with those that wait for a server, so that two cores have something to do and are not asked for too much.
 * `node test/all.ts PART…` runs the files whose path holds one of the parts.
 */
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { agentPackage, ownPlatform } from '../agent/install/agent-package.ts';
import { whyNoHosts } from './hosts/requirements.ts';

/** All cores are busy with three; a fourth makes each test wait so much longer that bounds come near on a slow machine. */
const AT_ONCE = 3;
const TIMEOUT_MS = 600_000;

/** Those that work all the time, longest first. */
const BUSY = [
  'test/faults/control-plane-',
  'test/faults/',
  'test/simulation/',
  'control-plane/test/telegram/converge',
  'control-plane/test/cli/',
  'control-plane/test/amendments/',
  'test/browser/',
  'control-plane/test/actions/command-abuses',
];

/** Those that mostly wait, longest first. */
const WAITING = [
  'test/catalog/agent',
  'test/catalog/',
  'test/scenarios/',
  'agent/test/run/',
  'test/hosts-capabilities/',
  'test/clients/',
];

/** The files of a list, in its order. */
function those(list: readonly string[], files: readonly string[]): string[] {
  const rank = (path: string) => list.findIndex((beginning) => path.startsWith(beginning));
  return files.filter((path) => rank(path) >= 0).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Busy and waiting ones by turns, then the short ones. */
function inOrder(files: readonly string[]): string[] {
  const [busy, waiting] = [those(BUSY, files), those(WAITING, files)];
  const turns = Array.from({ length: Math.max(busy.length, waiting.length) }, (_, n) => [busy[n], waiting[n]]);
  return [...new Set([...turns.flat().filter((path) => path !== undefined), ...files.toSorted()])];
}

// Hundreds of processes compile the same files otherwise, and each host has the same package installed. A folder of our own:
// whoever could write it could run code here.
const shared = await mkdtemp(join(tmpdir(), 'countersign-shared-'));
process.env.NODE_COMPILE_CACHE = join(shared, 'compiled');
process.env.COUNTERSIGN_TEST_PACKAGES = join(shared, 'packages');

const wanted = process.argv.slice(2);
const found: string[] = [];
for await (const path of glob(['*/test/**/*.test.ts', 'test/**/*.test.ts'])) found.push(path);
const asked = (path: string) => wanted.length === 0 || wanted.some((part) => path.includes(part));
const files = inOrder(found.filter((path) => !path.includes('node_modules') && asked(path)));

if (wanted.length === 0 && whyNoHosts() === undefined)
  agentPackage(join(shared, 'packages'), ownPlatform).catch((error: unknown) => process.stderr.write(`${error}\n`));

const tests = run({ files, concurrency: AT_ONCE, timeout: TIMEOUT_MS });
tests.on('test:fail', ({ todo }) => {
  if (todo === undefined || todo === false) process.exitCode = 1;
});
const seconds = new Map<string, number>();
tests.on('test:summary', ({ file, duration_ms: ms }) => {
  if (file !== undefined) seconds.set(relative(process.cwd(), file), Math.round(ms / 1000));
});
tests.on('end', () => {
  const longest = [...seconds].sort((a, b) => b[1] - a[1]).slice(0, 30);
  for (const [file, taken] of longest) process.stdout.write(`${String(taken).padStart(5)} s  ${file}\n`);
});
tests.on('end', () => void rm(shared, { recursive: true, force: true, maxRetries: 5 }));
tests.compose(new spec()).pipe(process.stdout);
