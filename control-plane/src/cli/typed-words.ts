/** What a person types to start the command line, so that every hint works where they are. */
import { basename, resolve } from 'node:path';
import type { Env } from '../config/env.ts';

const clone = resolve(import.meta.dirname, '../../..');

export interface Start {
  /** The folder in which the process runs. */
  readonly cwd: string;
  /** The program as it was started: second word of `process.argv`. */
  readonly program: string;
  readonly env: Env;
}

/** Where the person is. npm changes to the clone and keeps in INIT_CWD where it was called. */
export const folderOf = ({ cwd, env }: Omit<Start, 'program'>): string => (cwd === clone ? (env.INIT_CWD ?? cwd) : cwd);

/** The words before a verb: those of an installed program, else those of a clone. */
export function typedWords(start: Start): string {
  if (basename(start.program) === 'countersign') return 'countersign';
  return folderOf(start) === clone ? 'npm run -s cli --' : `npm --prefix ${quoted(clone)} run -s cli --`;
}

/** Our sentences say `countersign <verb>`; this puts in its place what works here. */
export function inTypedWords(text: string, { typed, verbs }: { typed: string; verbs: readonly string[] }): string {
  return text.replace(new RegExp(`\\bcountersign (?=(?:${verbs.join('|')})\\b)`, 'g'), () => `${typed} `);
}

const quoted = (path: string) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);
