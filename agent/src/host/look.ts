/** Looking at paths of our own choosing. What is not there, or may not be looked at, is `null`; nothing is opened for others. */
import { lstatSync, opendirSync, readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a path leads to; of a link that leads nowhere the link itself. */
export function statOrNull(path: string): Stats | null {
  return orNull(() => statSync(path, { throwIfNoEntry: false }) ?? lstatSync(path, { throwIfNoEntry: false }) ?? null);
}

/** Names in a folder. */
export function namesIn(folder: string): string[] | null {
  return orNull(() => readdirSync(folder));
}

/** Some names in a folder that may have very many. */
export function firstNamesIn(folder: string, most: number): string[] {
  return (
    orNull(() => {
      using names = opendirSync(folder);
      const found: string[] = [];
      for (let entry = names.readSync(); entry !== null && found.length < most; entry = names.readSync())
        found.push(entry.name);
      return found;
    }) ?? []
  );
}

/** A small text file of the system's own, such as /etc/hosts. */
export function readTextOrNull(path: string): string | null {
  return orNull(() => readFileSync(path, 'utf8'));
}

/** The file below a folder that was changed last. */
export function newestFileBelow(folder: string): { readonly path: string; readonly changedAt: number } | null {
  const files = orNull(() => readdirSync(folder, { recursive: true, withFileTypes: true })) ?? [];
  return files
    .filter((entry) => entry.isFile())
    .flatMap((entry) => {
      const path = join(entry.parentPath, entry.name);
      const stat = statOrNull(path);
      return stat === null ? [] : [{ path, changedAt: stat.mtimeMs }];
    })
    .reduce<{ path: string; changedAt: number } | null>(
      (newest, each) => (newest === null || each.changedAt > newest.changedAt ? each : newest),
      null,
    );
}

/** What a look at the system finds; `null` when it refuses. What is looked at may end, or be another user's, at any moment. */
export function orNull<T>(look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}
