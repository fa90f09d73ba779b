/** G2: what an idle link takes of the CPU. */
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../../world/eventually.ts';
import type { Goal } from '../goal.ts';
import { atMost, judge } from '../judge.ts';
import { startMonit } from '../peers/daemons.ts';
import { childrenOf, cpuMsOf } from '../process-figures.ts';
import { ROUNDS } from '../rounds.ts';
import { startScene } from '../scene.ts';

/**
 * What starting takes is not idling: that the link gives memory back when it has rested for 5 s, that what it does for the first time is
 * compiled, and the checkpoint after the control plane's first minute, which is there because this server was enrolled.
 */
const SETTLES_MS = 75_000;
/** The runner that was woken for that checkpoint is gone after this at the latest. */
const RUNNER_GOES_MS = 120_000;

export const g2: Goal = {
  id: 'G2',
  asks: 'An idle link takes at most 0.25 × the CPU time of monit.',
  measure: async (bench) => {
    const windowMs = bench.count(60_000, 30_000); // whole cycles of monit
    const daemon = await startMonit();
    await using _monit = 'missing' in daemon ? null : daemon;
    await using scene = await startScene();
    await pause(SETTLES_MS);
    const isAlone = () => childrenOf(scene.agent.pid).length === 0;
    await eventually('the runner to go', isAlone, { timeoutMs: RUNNER_GOES_MS, everyMs: 1000 });
    const pids = { link: scene.agent.pid, ...('missing' in daemon ? {} : { monit: daemon.pid }) };
    const perMinute: Record<string, number[]> = {};
    // Idle programs do not disturb each other, so that both are watched over the very same time.
    for (let round = 0; round < ROUNDS; round += 1) {
      const began = performance.now();
      const before = Object.entries(pids).map(([name, pid]) => [name, pid, cpuMsOf(pid)] as const);
      await pause(windowMs);
      for (const [name, pid, used] of before) {
        perMinute[name] ??= [];
        perMinute[name].push(((cpuMsOf(pid) - used) / (performance.now() - began)) * 60_000);
      }
    }
    return [
      judge({
        goal: 'G2',
        what: 'link, idle: CPU time in a minute',
        unit: 'ms',
        rounds: perMinute.link ?? [],
        peer:
          'missing' in daemon
            ? { name: 'monit', missing: daemon.missing }
            : { name: 'monit', rounds: perMinute.monit ?? [] },
        bound: atMost(0.25),
        note: `${ROUNDS} windows of ${windowMs / 1000} s, at the earliest ${SETTLES_MS / 1000} s after the start, once the runner has gone, both at the same time; monit looks every 30 s, as often as our heartbeat`,
      }),
    ];
  },
};
