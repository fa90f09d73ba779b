/**
 * The runner killed with SIGKILL at every one of its fail points, three times on every run, writes torn in their middle among
 * them: no effect twice, no approval lost, nothing stuck. F3, F4, F5; T3, T11.
 */
import { test } from 'node:test';
import { killAll, placesOf } from './agent-kills.ts';
import { agentWork } from './agent-work.ts';

test('F3, F4, F5: when the runner is killed anywhere between grant and report, each step has its effect at most once', async (context) => {
  await using work = await agentWork('runner');
  await killAll(work, placesOf('runner'));
  context.diagnostic(`\n${work.table()}`);
});
