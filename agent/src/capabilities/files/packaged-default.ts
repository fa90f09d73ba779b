/**
 * A file as its package brought it. dpkg keeps the MD5 of it, so whether it was changed is always known; its text only where it
 * can be had: beside it, in the package's examples, or in a package file that apt still has. Sources: dpkg-query(1), dpkg-deb(1).
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fault } from '@countersign/protocol';
import { statOrNull } from '../../host/look.ts';
import { readOwnFile } from '../../host/own-files.ts';
import type { ObserveContext } from '../capability.ts';

const ASK_MS = 6000;
const BYTES_MAX = 1024 * 1024;
const DEB_BYTES_MAX = 60 * 1024 * 1024;
const FILES_MAX = 5000;
const ARCHIVES = '/var/cache/apt/archives';
/** How dpkg leaves the package's text when the owner kept his own. Source: deb-conffiles(5), ucf(1). */
const BESIDE = ['.dpkg-dist', '.dpkg-new', '.ucf-dist'];

interface Package {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** MD5 of the file as the package brought it. */
  readonly md5: string;
}

/** Throws `precondition_failed` when no package brought the file, or dpkg is not there. */
export async function packagedDefault(
  { path, bytes }: { readonly path: string; readonly bytes: Buffer },
  context: ObserveContext,
): Promise<{ readonly against: string; readonly content: Buffer | null; readonly same: boolean | null }> {
  const found = await packageOf(path, context);
  const { name, version, md5 } = found;
  if (md5Of(bytes) === md5) return { against: `package ${name} ${version}: unchanged`, content: bytes, same: true };
  const original =
    beside(path, md5) ?? below(`/usr/share/${name}`, path, md5) ?? (await fromArchive(path, found, context));
  if (original !== null) return { against: `package ${name} ${version}`, content: original, same: false };
  const why = 'it was changed, and the text of the package is not on this server';
  return { against: `package ${name} ${version}: ${why}`, content: null, same: false };
}

async function packageOf(path: string, context: ObserveContext): Promise<Package> {
  const owner = (await ask(['dpkg-query', '--search', '--', path], context)) ?? '';
  const name = owner
    .split('\n')
    .filter((line) => !line.startsWith('diversion by') && line.endsWith(`: ${path}`))[0]
    ?.split(/[,:]/)[0];
  if (name === undefined || !/^[a-z0-9][a-z0-9+.-]*$/.test(name)) throw refused(`no package brought ${path}`);
  const format = ['Version', 'Architecture', 'Conffiles'].map((field) => `$\{${field}}\\n`).join('');
  const said = (await ask(['dpkg-query', '--show', `--showformat=${format}`, '--', name], context)) ?? '';
  const [version = '', architecture = '', ...conffiles] = said.split('\n');
  const md5 = md5In(conffiles, path) ?? (await listedMd5(name, architecture, path));
  if (md5 === null) throw refused(`package ${name} does not say what ${path} was like`);
  return { name, version, architecture, md5 };
}

/** Lines of `${Conffiles}`: ` PATH MD5 [obsolete]`. */
export function md5In(lines: readonly string[], path: string): string | null {
  const line = lines.find((each) => each.trim().startsWith(`${path} `))?.trim();
  return /^[0-9a-f]{32}$/.exec(line?.slice(path.length + 1).split(' ')[0] ?? '')?.[0] ?? null;
}

/** Other files than configuration: `MD5  PATH` without the first slash. */
async function listedMd5(name: string, architecture: string, path: string): Promise<string | null> {
  for (const own of [name, `${name}:${architecture}`]) {
    const list = readOrNull(`/var/lib/dpkg/info/${own}.md5sums`)?.toString('utf8') ?? '';
    const line = list.split('\n').find((each) => each.slice(34) === path.slice(1));
    if (line !== undefined) return line.slice(0, 32);
  }
  return null;
}

function beside(path: string, md5: string): Buffer | null {
  return BESIDE.map((end) => fitting(`${path}${end}`, md5)).find((found) => found !== null) ?? null;
}

/** A file of the same name and the right content in what the package brought for all to read. */
function below(folder: string, path: string, md5: string): Buffer | null {
  if (statOrNull(folder) === null) return null;
  const name = basename(path);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).slice(0, FILES_MAX);
  const alike = names.filter((each) => basename(each) === name).slice(0, 20);
  return alike.map((each) => fitting(join(folder, each), md5)).find((found) => found !== null) ?? null;
}

/** Unpacks the package file that apt still has, into a folder that is gone afterwards. */
async function fromArchive(path: string, found: Package, { exec, signal }: ObserveContext): Promise<Buffer | null> {
  // As apt names them: a colon in a version becomes %3a. Source: apt, URI quoting of archives.
  const file = `${found.name}_${found.version.replaceAll(':', '%3a')}_${found.architecture}.deb`;
  const deb = join(ARCHIVES, file);
  const stat = statOrNull(deb);
  if (stat === null || stat.size > DEB_BYTES_MAX) return null;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-package-'));
  try {
    const argv = ['dpkg-deb', '--extract', deb, folder];
    const done = await exec({ argv, timeoutMs: ASK_MS, signal });
    return done.exitCode === 0 ? fitting(join(folder, path), found.md5) : null;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The content of a file when it is the one that is looked for: by that nothing else is ever shown. */
function fitting(path: string, md5: string): Buffer | null {
  const content = readOrNull(path);
  return content !== null && md5Of(content) === md5 ? content : null;
}

function readOrNull(path: string): Buffer | null {
  try {
    return readOwnFile(path, BYTES_MAX)?.bytes ?? null;
  } catch (error) {
    if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  }
}

async function ask(argv: readonly string[], { exec, signal }: ObserveContext): Promise<string | null> {
  const done = await exec({ argv, timeoutMs: ASK_MS, signal });
  if (done.notStarted !== null) throw refused('dpkg is not installed on the server');
  return done.exitCode === 0 ? done.stdout : null;
}

/** The one that dpkg keeps. Nothing is protected by it. */
const md5Of = (bytes: Buffer) => createHash('md5').update(bytes).digest('hex');
const refused = (reason: string) => fault('precondition_failed', { reason });
