/** What the editors of all formats share. */
import { fault } from '@countersign/protocol';

export interface Setting {
  readonly section?: string | undefined;
  readonly key: string;
  readonly value: string;
}

export interface Edited {
  readonly text: string;
  /** The value before, as it stood there; `null` when the key is new. */
  readonly before: string | null;
}

/** Why a setting cannot be made; it says what to do instead where there is something. */
export function cannotSet(problem: string) {
  return fault('invalid_input', { problems: problem });
}

/** One part of a path of blocks: `server`, `server[2]`, `location[/api]`. */
export interface PathPart {
  readonly name: string;
  /** What stands in square brackets. */
  readonly selector: string | null;
}

/** Splits `server[2].location[/a.b]` at the dots outside of brackets. */
export function parsePath(section: string): PathPart[] {
  if (section === '') return [];
  const parts = section.match(/(?:[^.[\]]|\[[^\]]*\])+/g) ?? [];
  return parts.map((part) => {
    const parsed = /^([^[]+)(?:\[(.*)\])?$/.exec(part.trim());
    if (parsed === null) throw cannotSet(`section: ${part} is no part of a path such as server[2].location[/api]`);
    return { name: (parsed[1] ?? '').trim(), selector: parsed[2]?.trim() ?? null };
  });
}

/** Inserts text at an offset, or replaces what is between two. */
export function splice(text: string, from: number, to: number, replacement: string): string {
  return text.slice(0, from) + replacement + text.slice(to);
}
