/**
 * What the words of a reading command may be. A closed set: a word that fits none of them is not understood, and what is not
 * understood does not count as reading.
 */
import { secretBecause } from '../secret-files.ts';

/** What the command looks at on disk. The runner looks there itself before it starts anything. */
export interface Looked {
  readonly path: string;
  /** `content`: a file that is read. `place`: a file or folder of which names, sizes and times are told. */
  readonly at: 'content' | 'place';
}

/** The part of the server's own policy that decides where may be read. Absolute, normalised. */
export interface ReadingRules {
  readonly readRoots: readonly string[];
  readonly deniedPaths?: readonly string[];
}

/** Whether a word is one of its kind: what it looks at, or `null` when it is not. */
export type Kind = (word: string, rules: ReadingRules) => readonly Looked[] | null;

const fits =
  (pattern: RegExp): Kind =>
  (word) =>
    pattern.test(word) ? [] : null;

/** One of some words. */
export const oneOf = (...words: readonly string[]): Kind => {
  const known = new Set(words);
  return (word) => (known.has(word) ? [] : null);
};

/** Some of some words, with commas between them. */
export const someOf = (...words: readonly string[]): Kind => {
  const known = new Set(words);
  return (list) => (list.split(',').every((word) => known.has(word)) ? [] : null);
};

export const number = fits(/^\d{1,7}$/);
export const few = fits(/^\d{1,3}$/);
/** How far, from which end: `20`, `+5`, `-5`. */
export const lines = fits(/^[+-]?\d{1,7}$/);
/** A name without any sign that a program could take for more than a name. */
export const name = fits(/^[A-Za-z0-9_][\w.@:-]{0,99}$/);
export const unit = fits(/^[A-Za-z0-9_*@][\w:.*@-]{0,254}$/);
/** A name with `*` and `?`. No slash, so that it never leads anywhere. */
export const wildcard = fits(/^[\w.@:*?+ -]{1,200}$/);
/** A time in words or figures: `2 hours ago`, `-1h`, `2026-11-21 02:13`. No slash and no quote: `TZ="/dev/…"` is a file. */
export const time = fits(/^[-+]?[\w][\w :.+-]{0,60}$/);
/** What `date` prints. Source: date(1). */
export const dateFormat = fits(/^\+[\w %:.,+-]{1,100}$/);
/** What `stat` and `find` print of a file. Only letters that tell of its place, size, owner and times. */
export const fileFormat = fits(
  /^(?:%[-#0+ ]?\d{0,3}(?:%|[abBdDfFghGhHiklmMnNopPsStTuUwWxXyYzZ]|[ACT][@+a-zA-Z])|[\w :.,|=-]|\\[nt0])*$/,
);
export const address = fits(/^[0-9A-Fa-f:.]{2,45}(?:\/\d{1,3})?$/);

/** A file whose content is read. */
export const file: Kind = (word, rules) => below(word, rules, 'content');
/** A file or folder of which names, sizes and times are told. */
export const place: Kind = (word, rules) => below(word, rules, 'place');

/** What shows devices and the kernel's inside as files (`/proc/1/environ` holds the secrets of a service), and who may become root. */
const NEVER = ['/proc', '/sys', '/dev', '/run', '/var/run', '/etc/sudoers', '/etc/sudoers.d'];

/**
 * Below the read roots, not protected, normalised, and spelled so that no program takes it for anything but a path. Text only:
 * where links lead is looked up on the server.
 */
function below(
  word: string,
  { readRoots, deniedPaths = [] }: ReadingRules,
  at: Looked['at'],
): readonly Looked[] | null {
  if (!/^\/[\w.@%+=:, /-]*$/.test(word) || word.length > 1000) return null;
  const path = word.length > 1 && word.endsWith('/') ? word.slice(0, -1) : word;
  if (path !== '/' && path.split('/').some((part, n) => n > 0 && (part === '' || part === '.' || part === '..')))
    return null;
  const inside = (roots: readonly string[]) =>
    roots.some((root) => path === root || root === '/' || path.startsWith(`${root}/`));
  if (!inside(readRoots) || inside(NEVER) || inside(deniedPaths) || secretBecause(path) !== undefined) return null;
  return [{ path, at }];
}
