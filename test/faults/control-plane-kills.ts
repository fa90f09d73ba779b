/** The fail points of the control plane in groups, and the tests of a group: each place three times, in a world of its own. */
import { after, before, test } from 'node:test';
import { failPoints } from '../../control-plane/src/fail-points.ts';
import { type ControlPlaneWork, controlPlaneWork } from './control-plane-work.ts';
import { killsAtAnyTime, killsEach, momentsOf, type Place } from './kills.ts';

/** Title of the test → the places that it kills at. Together they hold every place once (`places.test.ts`). */
export const controlPlaneGroups = {
  'F1, F2: when the control plane is killed around a decision, a dispatch or a report, each action happens at most once and no approval is lost':
    /^(actions\.(propose|decide|dispatch|record|grant)|fleet\.(ack|report|welcome|enrol|keep_hello))/,
  'when the control plane is killed around a stop, a pause, a confirmation or an expiry, what was acknowledged holds':
    /^actions\.(stop|confirm|pause|resume|expire)/,
  'T3: when the control plane is killed around sessions, tokens, challenges and rules, each counts once or not at all':
    /^(access|amendments|policy)\./,
  'F13: when the control plane is killed around cards, lock, checkpoints and backups, they come right afterwards':
    /^(telegram|lock|audit|storage|fleet\.(lock|keep_policy|witnesses))/,
} as const;

/** Registers the tests of groups. `anyTime`: also one that kills at moments which only chance chooses. */
export function killControlPlane(
  titles: readonly (keyof typeof controlPlaneGroups)[],
  { anyTime = false }: { readonly anyTime?: boolean } = {},
): void {
  let work: ControlPlaneWork;
  before(async () => {
    work = await controlPlaneWork();
  });
  after(() => work?.[Symbol.asyncDispose]());
  const place = (name: string): Place => ({ name, work: (life) => work.passing(name, life) });

  for (const title of titles)
    test(title, async (context) => {
      const names = Object.keys(failPoints).filter((name) => controlPlaneGroups[title].test(name));
      for (const name of names) for (let kill = 0; kill < killsEach(); kill += 1) await work.kill(place(name));
      await work.judge();
      context.diagnostic(`\n${work.table(names)}`);
    });

  if (anyTime)
    test('F1, F2: when the control plane is killed at any time while an action is under way, it happens at most once', async () => {
      const moments = momentsOf(900);
      for (let kill = 0; kill < killsAtAnyTime(); kill += 1)
        await work.killAfter(moments.next()).catch((error: unknown) => {
          throw new Error(`COUNTERSIGN_SEED=${moments.seed}`, { cause: error });
        });
      await work.judge();
    });
}
