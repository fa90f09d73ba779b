import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { firstNamesIn, orNull } from '../../host/look.ts';
import type { LocalRules } from '../capability.ts';
import { appNames, appOf } from '../deploys/app.ts';
import { readDeployment } from '../deploys/releases.ts';
import type { Found } from './discover.ts';

const PLACES = ['/srv', '/var/www', '/opt', '/home'];
const FOLDERS_MAX = 500;

/** Declared apps, and folders that look like one: a link `current` beside a folder `releases`. */
export function findDeployRoots(rules: LocalRules, places: readonly string[] = PLACES): Found[] {
  const declared = appNames(rules).map((name) => {
    const { app, current, problem } = readDeployment(appOf(name, rules));
    return { name: app.root, state: current?.name ?? problem, detail: `app ${name}` };
  });
  const known = new Set(declared.map(({ name }) => name));
  const others = places
    .flatMap((place) => foldersIn(place).flatMap((folder) => [folder, ...(place === '/home' ? foldersIn(folder) : [])]))
    .filter((folder) => !known.has(folder))
    .flatMap((folder) => {
      const link = linkOrNull(join(folder, 'current'));
      if (link === null || !isFolder(join(folder, 'releases'))) return [];
      return [{ name: folder, state: link.split('/').at(-1) ?? link, detail: 'not declared under apps' }];
    });
  return [...declared, ...others];
}

/** Anybody may have made very many in his home. */
function foldersIn(folder: string): string[] {
  return firstNamesIn(folder, FOLDERS_MAX)
    .map((name) => join(folder, name))
    .filter(isFolder);
}

const linkOrNull = (path: string) => orNull(() => readlinkSync(path));
const isFolder = (path: string) => orNull(() => lstatSync(path))?.isDirectory() === true;
