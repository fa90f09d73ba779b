/** Findings on their way to be joined, and what joins them. */
import type { Rule } from './correlation-rule.ts';
import type { Span } from './span-of.ts';
import type { Found, Thing } from './things-of.ts';

/** A finding, with what rules ask of it read once. */
export interface Member {
  readonly finding: Found;
  readonly things: ReadonlySet<Thing>;
  readonly span: Span;
  /** Whether title or evidence say it. Looked up once per pattern: evidence is long, and many rules ask. */
  readonly says: (pattern: RegExp) => boolean;
}

/** An action that was begun on the server. */
export interface Change {
  readonly action: string;
  readonly title: string;
  /** When it began, milliseconds since 1970. */
  readonly at: number;
  readonly state: string;
  /** What it works on: `unit nginx.service`, `path /etc/nginx/nginx.conf`. */
  readonly things: readonly Thing[];
}

/** An action that came shortly before trouble with the same thing. */
export interface ChangeBehind {
  readonly change: Change;
  readonly thing: Thing;
}

export interface Joined {
  readonly members: readonly Member[];
  /** Whose sentence the title tells. */
  readonly lead: Member;
  /** By which they were joined, in the order in which they held. */
  readonly rules: readonly Rule[];
  readonly change: ChangeBehind | null;
}
