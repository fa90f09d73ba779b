/**
 * Link, runner and enrolment killed with SIGKILL at every one of their fail points, three times on every run, writes torn in their
 * middle among them: no effect twice, no approval lost, nothing stuck. F3, F4, F5, F7; T3, T11.
 */
import { test } from 'node:test';
import { failPoints } from '../../agent/src/fail-points.ts';
import { type AgentWork, agentWork, killEnrolment } from './agent-work.ts';
import { killsAtAnyTime, killsEach, momentsOf } from './kills.ts';
import { killPlans, planPlaces } from './plan-kills.ts';

const names = Object.keys(failPoints).filter((name) => !planPlaces.some((beginning) => name.startsWith(beginning)));

async function killAll(work: AgentWork, places: readonly string[]): Promise<void> {
  for (const name of places)
    for (let kill = 0; kill < killsEach(); kill += 1) {
      const torn =
        kill % 3 === 1 && /^(journal\..*|link\.outbox|run\.(lock_book|checkpoints|output))\.before_/.test(name);
      // There is something to repair only after a line was torn.
      if (name.startsWith('journal.repaired'))
        await work.kill({ name: 'journal.result.before_write', act: 'torn-write' });
      await work.kill({ name, act: torn ? 'torn-write' : 'kill' });
    }
  const moments = momentsOf(600);
  for (let kill = 0; kill < killsAtAnyTime(); kill += 1)
    await work.killAfter(moments.next()).catch((error: unknown) => {
      throw new Error(`COUNTERSIGN_SEED=${moments.seed}`, { cause: error });
    });
  await work.judge();
}

test('F3, F4, F5: when the runner is killed anywhere between grant and report, each step has its effect at most once', async (context) => {
  await using work = await agentWork('runner');
  await killAll(
    work,
    names.filter((name) => /^(journal|run|host)\./.test(name)),
  );
  context.diagnostic(`\n${work.table()}`);
});

test('F7, T11: when the link is killed anywhere between control plane and runner, nothing is lost and nothing comes twice', async (context) => {
  await using work = await agentWork('link');
  await killAll(
    work,
    names.filter((name) => name.startsWith('link.')),
  );
  context.diagnostic(`\n${work.table()}`);
});

test('when enrolling is killed anywhere, the server can be enrolled afterwards', async (context) => {
  const places = names.filter((name) => name.startsWith('enroll.'));
  context.diagnostic(`\n${await killEnrolment(places, killsEach())}`);
});

test('F4: when the runner is killed around check, confirmation and undo, each is done at most once', async (context) => {
  context.diagnostic(`\n${await killPlans(killsEach())}`);
});
