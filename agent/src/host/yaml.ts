/** Settings that a person wrote in YAML: read with care for who could have written them, and every problem named with its line. */
import { problemsOf } from '@countersign/protocol';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { readOwnFile } from './own-files.ts';

const SETTINGS_BYTES_MAX = 256 * 1024;

/** What is wrong with a file of settings, for the person who wrote it. */
export class SettingsProblem extends Error {
  override readonly name = 'SettingsProblem';
}

/**
 * Reads settings from a YAML file. `null` when there is none. As root it trusts only a file that root owns; nobody trusts
 * one that others than its owner can write. Throws {@link SettingsProblem} for that and for anything that does not fit.
 */
export function readSettings<S extends z.ZodType>(path: string, schema: S): z.output<S> | null {
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
  return parseSettings(file.bytes.toString('utf8'), schema, path);
}

/** Parses settings from YAML text. Throws {@link SettingsProblem} naming line, column and member. */
export function parseSettings<S extends z.ZodType>(text: string, schema: S, path: string): z.output<S> {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true, stringKeys: true });
  if (document.errors.length > 0) {
    const lines = document.errors.map((error) => error.message.split('\n')[0]);
    throw new SettingsProblem(`${path} is no YAML: ${lines.join('; ')}`);
  }
  const parsed = schema.safeParse(plain(document, path) ?? {});
  if (!parsed.success) throw new SettingsProblem(`${path} does not fit: ${problemsOf(parsed.error)}`);
  return parsed.data;
}

function plain(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof ReferenceError) throw new SettingsProblem(`${path} uses an alias; write the value out`);
    throw error;
  }
}
