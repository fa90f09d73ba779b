/** The text of settings that a person wrote, read with care for who could have written them. */
import { readOwnFile } from './own-files.ts';

const SETTINGS_BYTES_MAX = 256 * 1024;

/** What is wrong with a file of settings, for the person who wrote it. */
export class SettingsProblem extends Error {
  override readonly name = 'SettingsProblem';
}

/**
 * The text of a file of settings, `null` when there is none. As root it trusts only a file that root owns; nobody trusts one
 * that others than its owner can write. Throws {@link SettingsProblem} for that.
 */
export function readSettingsText(path: string): string | null {
  let file: ReturnType<typeof readOwnFile>;
  try {
    file = readOwnFile(path, SETTINGS_BYTES_MAX);
  } catch (error) {
    throw new SettingsProblem(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
  }
  if (file === null) return null;
  const self = process.getuid?.() ?? 0;
  if (file.uid !== 0 && file.uid !== self)
    throw new SettingsProblem(
      `${path} belongs to user ${file.uid}; it has to belong to ${self === 0 ? 'root' : `root or user ${self}`}`,
    );
  if ((file.mode & 0o022) !== 0)
    throw new SettingsProblem(
      `${path} can be written by others (mode ${file.mode.toString(8)}); run \`chmod go-w ${path}\``,
    );
  return file.bytes.toString('utf8');
}
