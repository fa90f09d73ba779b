/**
 * Runs every test, a process per file. Long files go first, so that none of them is left to run alone at the end.
 * `node test/all.ts PART…` runs the files whose path holds one of the parts.
 */
import { glob, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentPackage, ownPlatform } from '../agent/install/agent-package.ts';
import { whyNoHosts } from './hosts/requirements.ts';
import { runFiles } from './run-files.ts';

/** Those that leave a core nothing, longest first. */
const FULL = [
  'test/faults/control-plane-',
  'test/faults/',
  'test/simulation/',
  'control-plane/test/telegram/converge',
  'control-plane/test/cli/',
  'control-plane/test/amendments/',
  'control-plane/test/actions/command-abuses',
];

/** Those that work most of the time. */
const BROWSER = ['test/browser/'];

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

/** By turns, so that two of a kind are beside each other as seldom as can be. */
function byTurns(some: readonly string[], others: readonly string[]): string[] {
  const turns = Array.from({ length: Math.max(some.length, others.length) }, (_, n) => [some[n], others[n]]);
  return turns.flat().filter((path) => path !== undefined);
}

const wanted = process.argv.slice(2);
const found: string[] = [];
for await (const path of glob(['*/test/**/*.test.ts', 'test/**/*.test.ts'])) found.push(path);
const asked = (path: string) => wanted.length === 0 || wanted.some((part) => path.includes(part));
const files = found.filter((path) => !path.includes('node_modules') && asked(path));
if (files.length === 0) throw new Error(`no test file is there for ${wanted.join(', ') || 'a run from here'}`);
const waiting = those(WAITING, files);
// The short ones come last, and they work.
const long = byTurns(those(FULL, files), those(BROWSER, files));
const busy = [...new Set([...long, ...files.toSorted()])].filter((path) => !waiting.includes(path));

// Hundreds of processes compile the same files otherwise, and each host has the same package installed. A folder of our own:
// whoever could write it could run code here.
const shared = await mkdtemp(join(tmpdir(), 'countersign-shared-'));
process.env.NODE_COMPILE_CACHE = join(shared, 'compiled');
process.env.COUNTERSIGN_TEST_PACKAGES = join(shared, 'packages');

if (wanted.length === 0 && whyNoHosts() === undefined)
  agentPackage(join(shared, 'packages'), ownPlatform).catch((error: unknown) => process.stderr.write(`${error}\n`));

let passed = false;
try {
  passed = await runFiles({ busy, waiting });
} finally {
  await rm(shared, { recursive: true, force: true, maxRetries: 5 });
}
// By itself it would not end beside a file that outlived its bound.
process.exit(passed ? process.exitCode : 1);
