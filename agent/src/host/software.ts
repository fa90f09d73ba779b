import { accessSync, constants, existsSync } from 'node:fs';
import { type Software, softwarePrograms } from '@countersign/protocol';

const FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** What of the known software is installed. Looks for programs only; starts none. */
export function readSoftware(): Software[] {
  return (Object.keys(softwarePrograms) as Software[]).filter((name) => softwarePrograms[name].some(isThere));
}

function isThere(program: string): boolean {
  const places = program.startsWith('/') ? [program] : FOLDERS.map((folder) => `${folder}/${program}`);
  return places.some((place) => {
    if (!existsSync(place)) return false; // most are not there, and an error each costs
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
