/** Settings that a person wrote in YAML: read with care for who could have written them, and every problem named with its line. */
import { problemsOf } from '@countersign/protocol';
import { isMap, isNode, isScalar, parseDocument, stringify } from 'yaml';
import type { z } from 'zod';
import { readSettingsText, SettingsProblem } from './settings-text.ts';

export { readSettingsText, SettingsProblem };

/** Parses settings from YAML text. Throws {@link SettingsProblem} naming line, column and member. */
export function parseSettings<S extends z.ZodType>(text: string, schema: S, path: string): z.output<S> {
  const fitting = schema.safeParse(plain(parsed(text, path), path) ?? {});
  if (!fitting.success) throw new SettingsProblem(`${path} does not fit: ${problemsOf(fitting.error)}`);
  return fitting.data;
}

/**
 * YAML text with one top-level member set; every other word of it, comments too, stays as it is. Throws
 * {@link SettingsProblem} when the text is no YAML, or no list of members one below the other.
 */
export function withMember(text: string, name: string, value: unknown, path: string): string {
  const { contents } = parsed(text, path);
  const member = stringify({ [name]: value }, { lineWidth: 0 });
  if (contents === null) return `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${member}`;
  if (!isMap(contents) || contents.flow === true)
    throw new SettingsProblem(`${path} has to list its members one below the other`);
  const pair = contents.items.find(({ key }) => isScalar(key) && key.value === name);
  const [from, to] = [rangeOf(pair?.key)[0], rangeOf(pair?.value)[2]];
  if (pair === undefined) return `${text.endsWith('\n') ? text : `${text}\n`}${member}`;
  // What stands behind the member in lines of its own is about something else.
  const after = /(?:\n[ \t]*(?:#.*)?)*$/.exec(text.slice(from, to))?.[0] ?? '';
  const rest = after + text.slice(to);
  return text.slice(0, from) + member.trimEnd() + (rest.startsWith('\n') || rest === '' ? rest : `\n${rest}`);
}

const rangeOf = (node: unknown): readonly [number, number, number] => (isNode(node) && node.range) || [0, 0, 0];

function parsed(text: string, path: string) {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true, stringKeys: true });
  if (document.errors.length === 0) return document;
  const lines = document.errors.map((error) => error.message.split('\n')[0]);
  throw new SettingsProblem(`${path} is no YAML: ${lines.join('; ')}`);
}

function plain(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    if (error instanceof ReferenceError) throw new SettingsProblem(`${path} uses an alias; write the value out`);
    throw error;
  }
}
