/** What the figures do not say by themselves: why a goal is not met, and what to try. Written by people, shown on the page. */
import type { GoalId } from './judge.ts';

export const remarks: Readonly<Partial<Record<GoalId, string>>> = {};
