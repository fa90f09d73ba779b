/** The fail points of link and runner, and kills at each of them. */
import { failPoints } from '../../agent/src/fail-points.ts';
import type { AgentWork } from './agent-work.ts';
import { killsAtAnyTime, killsEach, momentsOf } from './kills.ts';
import { planPlaces } from './plan-kills.ts';

/** Kinds of places and where they are killed at; those that only longer plans pass are in `plan-kills.ts`. */
export const agentGroups = { runner: /^(journal|run|host)\./, link: /^link\./, enrolment: /^enroll\./ } as const;

export function placesOf(group: keyof typeof agentGroups): string[] {
  const ofPlans = (name: string) => planPlaces.some((beginning) => name.startsWith(beginning));
  return Object.keys(failPoints).filter((name) => agentGroups[group].test(name) && !ofPlans(name));
}

/** Three kills at each place, writes torn in their middle among them, and some at any time. Then the whole is judged. */
export async function killAll(work: AgentWork, places: readonly string[]): Promise<void> {
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
