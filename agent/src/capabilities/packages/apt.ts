/** What apt and dpkg say. Sources: apt-get(8), dpkg(1), apt.conf(5) `Dir::Cache::archives`. */
import { fault } from '@countersign/protocol';
import { type LockHolder, readLockHolders } from '../../host/file-locks.ts';
import { namesIn, statOrNull } from '../../host/look.ts';
import type { ObserveContext } from '../capability.ts';
import { fitsPattern } from '../name-pattern.ts';

export const ARCHIVES = '/var/cache/apt/archives';
/** From here on it is worth saying. */
export const ARCHIVES_BIG_BYTES = 200_000_000;
const LOCKS = ['/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock'];
const ASK_MS = 12_000;

/** One package that would be brought to another version. */
export interface Upgrade {
  readonly name: string;
  /** `null` when it is new. */
  readonly from: string | null;
  readonly to: string;
  readonly security: boolean;
}

/** Whether a package is one of those to be left alone: names parted by blanks, `*` for any characters. */
export function heldBack(name: string, hold: string | undefined): boolean {
  return (hold?.split(' ') ?? []).some((pattern) => fitsPattern(pattern, name));
}

/** A package that dpkg left half done. */
export interface HalfDone {
  readonly name: string;
  readonly status: string;
}

/** Who works on the package database at the moment. */
export function readPackageLockHolders(): LockHolder[] {
  const holders = readLockHolders(LOCKS);
  return [...new Map(holders.map((holder) => [holder.pid, holder])).values()];
}

/** What `apt-get upgrade` would do, new kernels and the like included, without a lock and without a change. Rejects with `capability_failed`. */
export async function readUpgrades(context: ObserveContext): Promise<Upgrade[]> {
  const said = await ask(context, ['apt-get', '-s', '-q', '-o', 'Debug::NoLocking=1', '--with-new-pkgs', 'upgrade']);
  return parseUpgrades(said);
}

/** Lines `Inst NAME [OLD] (NEW ORIGIN:VERSION/SUITE, … [ARCH])`; others are passed over. */
export function parseUpgrades(text: string): Upgrade[] {
  return text.split('\n').flatMap((line) => {
    const found = /^Inst (\S+)(?: \[([^\]]*)\])? \((\S+) ?([^)]*)\)/.exec(line);
    if (found === null) return [];
    const [, name = '', from, to = '', origin = ''] = found;
    return [{ name, from: from ?? null, to, security: /security/i.test(origin) }];
  });
}

/** Packages between two states, which keep apt from doing anything else. Rejects with `capability_failed`. */
export async function readHalfDone(context: ObserveContext): Promise<HalfDone[]> {
  const fields = ['binary:Package', 'db:Status-Eflag', 'db:Status-Status'];
  const format = `${fields.map((field) => `\${${field}}`).join('\\t')}\\n`;
  return parseHalfDone(await ask(context, ['dpkg-query', '--show', `--showformat=${format}`]));
}

const HALF_DONE = new Set(['half-installed', 'unpacked', 'half-configured', 'triggers-awaited', 'triggers-pending']);

/** Lines `NAME\tEFLAG\tSTATUS`. */
export function parseHalfDone(text: string): HalfDone[] {
  return text.split('\n').flatMap((line) => {
    const [name = '', flag = '', status = ''] = line.split('\t');
    if (name === '' || (flag !== 'reinstreq' && !HALF_DONE.has(status))) return [];
    return [{ name, status: flag === 'reinstreq' ? 'broken: has to be installed again' : status }];
  });
}

/** Every installed package with its version, a line each: `NAME=VERSION`. Rejects with `capability_failed`. */
export async function readInstalled(context: ObserveContext): Promise<string> {
  const format = `${['binary:Package', 'Version'].map((field) => `\${${field}}`).join('=')}\\n`;
  return ask(context, ['dpkg-query', '--show', `--showformat=${format}`]);
}

/** Files that apt downloaded and keeps. */
export function readArchives(): { readonly files: number; readonly bytes: number } {
  const stats = [ARCHIVES, `${ARCHIVES}/partial`].flatMap((folder) =>
    (namesIn(folder) ?? []).filter((name) => name !== 'lock').map((name) => statOrNull(`${folder}/${name}`)),
  );
  const files = stats.filter((stat) => stat?.isFile() === true);
  return { files: files.length, bytes: files.reduce((sum, stat) => sum + (stat?.blocks ?? 0) * 512, 0) };
}

async function ask(context: ObserveContext, argv: readonly string[]): Promise<string> {
  const [program = ''] = argv;
  const done = await context.exec({ argv, timeoutMs: ASK_MS, maxBytes: 8 * 1024 * 1024, signal: context.signal });
  if (done.exitCode === 0) return done.stdout;
  const reason = done.notStarted === 'ENOENT' ? `${program} is not installed` : `${program} gave no answer or failed`;
  throw fault('capability_failed', { capability: program, reason });
}
