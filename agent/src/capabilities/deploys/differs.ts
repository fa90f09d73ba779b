/** What was deployed against what is there: files that somebody changed afterwards, and processes that still run an older release. */
import { realpathSync } from 'node:fs';
import type { Clock } from '@countersign/protocol';
import { processesBelow } from '../../host/process-folders.ts';
import { unitOfProcess } from '../../host/processes.ts';
import { openFolder, walkFiles } from '../../host/walk-folder.ts';
import type { DeclaredApp } from './app.ts';
import type { Deployment, Release } from './releases.ts';

const LOOK_MS = 4000;
const SHOWN = 20;
/** A build may go on in the folder this long after it was made. */
const BUILD_MS = 15 * 60_000;
/** A deploy may still write for a moment after it switched. */
const GRACE_MS = 5000;

/** Folders and files that programs write while they run. */
const WRITTEN =
  /^(\.git|\.cache|node_modules|vendor|__pycache__|logs?|tmp|temp|cache|run|var|storage|uploads?|sessions?)$|\.(log|pid|sock|pyc|swp)$/;

export interface ChangedFiles {
  readonly files: readonly { readonly path: string; readonly changedAt: number }[];
  readonly total: number;
  /** Whether not all could be looked at in the time there is. */
  readonly cut: boolean;
}

/** Files of the current release that were changed after it was deployed, newest first. */
export function changedSinceDeploy({ current, releases, switchedAt }: Deployment, clock: Clock): ChangedFiles {
  const found: { path: string; changedAt: number }[] = [];
  if (current === null || switchedAt === null) return { files: found, total: 0, cut: false };
  // Of a release that was returned to, the link says nothing about when it was made.
  const deployedAt = releases[0] === current ? switchedAt + GRACE_MS : current.madeAt + BUILD_MS;
  const until = clock.monotonic() + LOOK_MS;
  let cut = false;
  using folder = openFolder(current.path);
  for (const { relative, name, stat } of walkFiles(folder, (names) => !WRITTEN.test(names.at(-1) ?? ''))) {
    if (clock.monotonic() > until) {
      cut = true;
      break;
    }
    const changedAt = Number(stat.mtimeMs);
    if (changedAt > deployedAt && !WRITTEN.test(name)) found.push({ path: relative.join('/'), changedAt });
  }
  found.sort((a, b) => b.changedAt - a.changedAt);
  return { files: found.slice(0, SHOWN), total: found.length, cut };
}

/** Names of other releases than the current one in which processes of the app's unit work. */
export function otherReleasesRunning(app: DeclaredApp, current: Release): string[] {
  if (app.unit === undefined) return [];
  const root = realpathSync(app.releasesPath);
  const names = processesBelow(root)
    .filter(({ pid }) => unitOfProcess(pid) === app.unit)
    .map(({ folder }) => folder.slice(root.length + 1).split('/')[0] ?? '');
  return [...new Set(names)].filter((name) => name !== '' && name !== current.name);
}
