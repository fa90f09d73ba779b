/**
 * The control plane killed with SIGKILL at every one of its fail points, three times on every run, under a workload of real
 * people, a real link and a real runner: no effect twice, no approval lost, nothing stuck. F1, F2, F8 to F11, F13.
 */
import { after, before, test } from 'node:test';
import { failPoints } from '../../control-plane/src/fail-points.ts';
import { type ControlPlaneWork, controlPlaneWork } from './control-plane-work.ts';
import { killsAtAnyTime, killsEach, momentsOf, type Place } from './kills.ts';

let work: ControlPlaneWork;
before(async () => {
  work = await controlPlaneWork();
});
after(() => work?.[Symbol.asyncDispose]());

const GROUPS: Readonly<Record<string, (name: string) => boolean>> = {
  'F1, F2: when the control plane is killed around a decision, a dispatch or a report, each action happens at most once and no approval is lost':
    (name) =>
      /^(actions\.(propose|decide|dispatch|record|grant)|fleet\.(ack|report|welcome|enrol|keep_hello))/.test(name),
  'when the control plane is killed around a stop, a pause, a confirmation or an expiry, what was acknowledged holds': (
    name,
  ) => /^actions\.(stop|confirm|pause|resume|expire)/.test(name),
  'T3: when the control plane is killed around sessions, tokens, challenges and rules, each counts once or not at all':
    (name) => /^(access|amendments|policy)\./.test(name),
  'F13: when the control plane is killed around cards, lock, checkpoints and backups, they come right afterwards': (
    name,
  ) => /^(telegram|lock|audit|storage|fleet\.(lock|keep_policy|witnesses))/.test(name),
};

for (const [title, belongs] of Object.entries(GROUPS))
  test(title, async (context) => {
    const names = Object.keys(failPoints).filter(belongs);
    for (const name of names) for (let kill = 0; kill < killsEach(); kill += 1) await work.kill(place(name));
    await work.judge();
    context.diagnostic(`\n${work.table(names)}`);
  });

test('F1, F2: when the control plane is killed at any time while an action is under way, it happens at most once', async () => {
  const moments = momentsOf(900);
  for (let kill = 0; kill < killsAtAnyTime(); kill += 1)
    await work.killAfter(moments.next()).catch((error: unknown) => {
      throw new Error(`COUNTERSIGN_SEED=${moments.seed}`, { cause: error });
    });
  await work.judge();
});

function place(name: string): Place {
  return { name, work: (life) => work.passing(name, life) };
}
