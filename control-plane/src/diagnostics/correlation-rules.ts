/**
 * Which findings belong together, and why. Tables, read from the top: a rule further down may join what those above it have
 * joined. A rule is there only when one of its findings explains the other, or both have one cause.
 */
import type { Rule } from './correlation-rule.ts';
import { machineRules } from './rules-machine.ts';
import { programRules } from './rules-programs.ts';

export const rules: readonly Rule[] = [...machineRules, ...programRules];
