/**
 * Makes the package that servers install: a gzipped tar with the agent's bundle, its own Node, the units and the script.
 * The control plane serves it itself, so that a server fetches nothing from third parties.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Bundle, bundleAgent } from './bundle.ts';

const installFolder = import.meta.dirname;

/** A package as it lies on the control plane's disk. */
export interface AgentPackage {
  readonly path: string;
  readonly fileName: string;
  /** Of the whole file: 64 lower-case hex digits. */
  readonly sha256: string;
  readonly version: string;
  readonly bytes: number;
}

/** What runs here can be packed here: `linux-x64`, `linux-arm64`. */
export const ownPlatform = `${process.platform}-${process.arch}`;

/** Where the install script is. */
export const installScriptPath = join(installFolder, 'install.sh');

/**
 * The package for a platform, from the cache folder or made now (a few seconds, once per version). `undefined` when there
 * is none: only the platform of the control plane itself can be packed, since the Node inside is the one that runs here.
 * A package for another platform can be copied into the folder from a control plane that runs there.
 */
export async function agentPackage(cacheFolder: string, platform: string): Promise<AgentPackage | undefined> {
  await mkdir(cacheFolder, { recursive: true });
  if (platform !== ownPlatform) return newest(cacheFolder, platform);
  const making = inProgress.get(cacheFolder) ?? makePackage(cacheFolder);
  inProgress.set(cacheFolder, making);
  try {
    return await making;
  } finally {
    inProgress.delete(cacheFolder);
  }
}

// Two servers that install at once wait for one package.
const inProgress = new Map<string, Promise<AgentPackage>>();

async function makePackage(cacheFolder: string): Promise<AgentPackage> {
  const contents = await packageContents();
  const version = await versionOf(contents);
  const path = join(cacheFolder, `countersign-agent-${version}-${ownPlatform}.tar.gz`);
  if (!(await exists(path)) || !(await exists(`${path}.sha256`))) await writePackage(path, contents);
  return describePackage(path);
}

interface Content {
  readonly name: string;
  readonly source: string;
  readonly mode: number;
}

async function packageContents(): Promise<Content[]> {
  const { files } = await bundled();
  const units = (await readdir(join(installFolder, 'units'))).toSorted();
  return [
    { name: 'bin/node', source: process.execPath, mode: 0o755 },
    { name: 'bin/countersign-agent', source: join(installFolder, 'countersign-agent'), mode: 0o755 },
    ...files.map((source) => ({ name: basename(source), source, mode: 0o644 })),
    { name: 'install.sh', source: installScriptPath, mode: 0o755 },
    { name: 'LICENSE', source: resolve(installFolder, '../../LICENSE'), mode: 0o644 },
    ...(await librariesOfNode()),
    ...units.map((unit) => ({ name: `units/${unit}`, source: join(installFolder, 'units', unit), mode: 0o644 })),
  ];
}

let bundling: Promise<Bundle> | undefined;

/**
 * The sources of a program that runs do not change: they are bundled once, not with every download. Whoever bundles other sources
 * of this checkout removes what is a day old, so each use makes the bundle young again, and one that is gone is made anew.
 */
async function bundled(): Promise<Bundle> {
  bundling ??= bundleAgent().catch((error: unknown) => {
    bundling = undefined;
    throw error;
  });
  const bundle = await bundling;
  const now = new Date();
  try {
    await utimes(dirname(bundle.program), now, now);
    return bundle;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  bundling = undefined;
  return bundled();
}

/**
 * The libraries that Node needs and that a small system may lack (Debian's minimal image has no libatomic). The C library is
 * not among them: it belongs to the system. `install.sh` keeps them only where Node does not start without. Source: proc_pid_maps(5).
 */
async function librariesOfNode(): Promise<Content[]> {
  const maps = await readFile('/proc/self/maps', 'utf8');
  const mapped = new Set(maps.match(/\/\S*\/lib(?:atomic|stdc\+\+|gcc_s)\.so\S*/g));
  return [...mapped].toSorted().map((source) => ({ name: `lib/${sonameOf(source)}`, source, mode: 0o644 }));
}

/** `libatomic.so.1.2.0` is looked for as `libatomic.so.1`. */
function sonameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/(\.so\.\d+).*$/, '$1');
}

/** `0.1.0-1a2b3c4d`: the package's version and what its contents hash to, so that every change is a new version. */
async function versionOf(contents: readonly Content[]): Promise<string> {
  const { version } = JSON.parse(await readFile(resolve(installFolder, '../package.json'), 'utf8')) as {
    version: string;
  };
  const hash = createHash('sha256').update(process.version);
  for (const { name, source } of contents) if (name !== 'bin/node') hash.update(name).update(await readFile(source));
  return `${version}-${hash.digest('hex').slice(0, 8)}`;
}

async function writePackage(path: string, contents: readonly Content[]): Promise<void> {
  const unfinished = `${path}.${process.pid}.part`;
  const tar = pack();
  const hash = createHash('sha256');
  // A server unpacks once; level 1 makes the package in two seconds rather than ten, for a tenth more bytes.
  const written = pipeline(tar, createGzip({ level: constants.Z_BEST_SPEED }), createWriteStream(unfinished));
  for (const { name, source, mode } of contents) {
    const { size } = await stat(source);
    await pipeline(
      createReadStream(source),
      tar.entry({ name, mode, size, mtime: new Date(0), uid: 0, gid: 0, uname: 'root', gname: 'root' }),
    );
  }
  tar.finalize();
  await written;
  await pipeline(createReadStream(unfinished), hash);
  await writeFile(`${path}.sha256`, `${hash.digest('hex')}\n`);
  await rename(unfinished, path);
  await forgetOlder(path);
}

async function describePackage(path: string): Promise<AgentPackage> {
  const fileName = path.slice(path.lastIndexOf('/') + 1);
  const version = /^countersign-agent-(.+)-linux-\w+\.tar\.gz$/.exec(fileName)?.[1] ?? fileName;
  const sha256 = (await readFile(`${path}.sha256`, 'utf8')).trim();
  return { path, fileName, sha256, version, bytes: (await stat(path)).size };
}

const VERSIONS_KEPT = 2;

async function forgetOlder(path: string): Promise<void> {
  const folder = resolve(path, '..');
  const packages = (await packagesIn(folder, ownPlatform)).filter((other) => other.path !== path);
  for (const old of packages.slice(VERSIONS_KEPT - 1))
    for (const file of [old.path, `${old.path}.sha256`]) await rm(file, { force: true });
}

async function newest(folder: string, platform: string): Promise<AgentPackage | undefined> {
  const [first] = await packagesIn(folder, platform);
  return first && describePackage(first.path);
}

async function packagesIn(folder: string, platform: string): Promise<{ path: string; changed: number }[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(`-${platform}.tar.gz`));
  const packages = await Promise.all(
    names.map(async (name) => ({ path: join(folder, name), changed: (await stat(join(folder, name))).mtimeMs })),
  );
  return packages.toSorted((a, b) => b.changed - a.changed);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
