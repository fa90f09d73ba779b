/** G9: the same `true` when the server is 20 ms away. */
import { counted, type Goal } from '../goal.ts';
import { atMost, judge, type Peer } from '../judge.ts';
import { startSshd } from '../peers/own-sshd.ts';
import { type Contenders, column, interleave } from '../rounds.ts';
import { runThrough, startScene } from '../scene.ts';
import { startSlowProxy } from '../slow-proxy.ts';
import { latencies } from './g8-true.ts';

const ROUND_TRIP_MS = 20;

export const g9: Goal = {
  id: 'G9',
  asks: 'The same over a round trip of 20 ms: p50 at most 0.65 × ssh with ControlMaster.',
  measure: async (bench) => {
    const calls = bench.count(60, 10);
    await using scene = await startScene({ roundTripMs: ROUND_TRIP_MS });
    const sshd = await startSshd();
    await using _sshd = 'missing' in sshd ? null : sshd;
    await using proxy = 'missing' in sshd ? null : await startSlowProxy(sshd.port, ROUND_TRIP_MS);
    await using master = 'missing' in sshd || proxy === null ? null : await sshd.master(proxy.port);
    const contenders: Contenders = {
      ours: () => latencies(calls, 3, () => runThrough(scene.assistant, scene.agent.name, ['true'])),
      ...(master && { master: () => latencies(calls, 3, () => master.run(['true'])) }),
    };
    const measured = await interleave(contenders);
    const name = 'ssh, ControlMaster';
    const peer: Peer =
      'missing' in sshd ? { name, missing: sshd.missing } : { name, rounds: column(measured.master ?? [], 'p50') };
    return [
      judge({
        goal: 'G9',
        what: '`true` at a round trip of 20 ms, p50',
        unit: 'ms',
        rounds: column(measured.ours ?? [], 'p50'),
        peer,
        bound: atMost(0.65),
        note: `${counted(calls)} calls in each round; the proxy stands between control plane and server, as between ssh and sshd`,
      }),
    ];
  },
};
