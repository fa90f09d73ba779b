/** What the figures do not say by themselves: why a goal may not be met, and what to try. Written by people as Markdown in `remarks/`, shown on the page. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GoalId } from './judge.ts';

const textOf = (name: GoalId | 'runs') =>
  readFileSync(join(import.meta.dirname, 'remarks', `${name}.md`), 'utf8').trimEnd();

/** About a goal. Links go from the folder `docs`. */
export const remarkOn = (goal: GoalId): string => textOf(goal);

/** About the runs as a whole. */
export const aboutTheRuns = (): string => textOf('runs');
