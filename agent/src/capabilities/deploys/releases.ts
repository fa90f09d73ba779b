/** The releases of an app on disk: a folder each, and a link that says which one is current. */
import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fault, releaseNameSchema } from '@countersign/protocol';
import { identityOf } from '../../host/files.ts';
import { orNull } from '../../host/look.ts';
import type { DeclaredApp } from './app.ts';
import { gitHeadOf } from './git-head.ts';
import { readSmallFile } from './small-file.ts';

const RELEASES_MAX = 500;

export interface Release {
  readonly name: string;
  readonly path: string;
  /** When its folder was made, milliseconds since 1970. */
  readonly madeAt: number;
  /** Equal only for the same folder: one of the same name that was made anew is another. */
  readonly identity: string;
  /** Commit it was made from. */
  readonly head: string | null;
  /** What its version file says. */
  readonly version: string | null;
}

export interface Deployment {
  readonly app: DeclaredApp;
  /** Newest first. */
  readonly releases: readonly Release[];
  readonly current: Release | null;
  /** The newest one older than the current one. */
  readonly previous: Release | null;
  /** When the link was set, milliseconds since 1970. */
  readonly switchedAt: number | null;
  /** What the link says; `null` when it is none. */
  readonly link: string | null;
  /** Why there is no current release, as half a sentence. */
  readonly problem: string | null;
}

/** Reads what there is. What is missing is a `problem`, never a rejection. */
export function readDeployment(app: DeclaredApp): Deployment {
  const releases = readReleases(app);
  const nothing = { app, releases: releases ?? [], current: null, previous: null, switchedAt: null, link: null };
  if (releases === null) return { ...nothing, problem: `there is no folder ${app.releasesPath}` };
  const stat = orNull(() => lstatSync(app.currentPath));
  if (stat === null) return { ...nothing, problem: `there is no ${app.currentPath}` };
  if (!stat.isSymbolicLink()) return { ...nothing, problem: `${app.currentPath} is no link` };
  const link = orNull(() => readlinkSync(app.currentPath));
  const at = { ...nothing, link, switchedAt: stat.ctimeMs };
  const target = orNull(() => realpathSync(app.currentPath));
  if (target === null) return { ...at, problem: `${app.currentPath} leads to ${link}, which is not there` };
  const folder = orNull(() => realpathSync(app.releasesPath));
  const current = dirname(target) === folder ? releases.findIndex(({ name }) => name === basename(target)) : -1;
  if (current < 0) return { ...at, problem: `${app.currentPath} leads to ${target}, which is no release` };
  return { ...at, current: releases[current] ?? null, previous: releases[current + 1] ?? null, problem: null };
}

/** A release by its name. Throws `precondition_failed` when there is none. */
export function releaseOf({ app, releases }: Deployment, name: string): Release {
  const found = releases.find((release) => release.name === name);
  if (found === undefined)
    throw fault('precondition_failed', { reason: `there is no release ${name} below ${app.releasesPath}` });
  return found;
}

function readReleases(app: DeclaredApp): Release[] | null {
  const entries = orNull(() => readdirSync(app.releasesPath, { withFileTypes: true }));
  if (entries === null) return null;
  const names = entries.filter((entry) => entry.isDirectory() && releaseNameSchema.safeParse(entry.name).success);
  const found = names.flatMap(({ name }) => {
    const path = join(app.releasesPath, name);
    const stat = orNull(() => lstatSync(path));
    return stat?.isDirectory() ? [{ name, path, stat }] : [];
  });
  // Names that are times say their order themselves; others are ordered by when their folder was made.
  const dated = found.every(({ name }) => /^\d{8}/.test(name));
  return found
    .sort((a, b) => (dated ? compare(b.name, a.name) : madeAt(b.stat) - madeAt(a.stat) || compare(b.name, a.name)))
    .slice(0, RELEASES_MAX)
    .map(({ name, path, stat }) => ({
      name,
      path,
      madeAt: madeAt(stat),
      identity: `${identityOf(stat)}:${Math.round(madeAt(stat))}`,
      head: gitHeadOf(path),
      version: app.version_file === undefined ? null : firstLine(readSmallFile(join(path, app.version_file))),
    }));
}

/** Not every file system keeps when a folder was made; then it is when it was last changed. */
function madeAt({ birthtimeMs, mtimeMs }: Stats): number {
  return birthtimeMs > 0 ? birthtimeMs : mtimeMs;
}

const compare = (a: string, b: string) => a.localeCompare(b, 'en', { numeric: true });

/** The first line of a text, bounded; `null` for none. */
export function firstLine(text: string | null): string | null {
  const line = (text ?? '').trim().split('\n')[0]?.trim().slice(0, 100) ?? '';
  return line === '' ? null : line;
}
