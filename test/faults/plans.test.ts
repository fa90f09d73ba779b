/** As `runner.test.ts`, around what only longer plans have. */
import { test } from 'node:test';
import { killsEach } from './kills.ts';
import { killPlans } from './plan-kills.ts';

test('F4: when the runner is killed around check, confirmation and undo, each is done at most once', async (context) => {
  context.diagnostic(`\n${await killPlans(killsEach())}`);
});
