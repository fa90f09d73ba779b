/** What reading costs over MCP: shown beside the changes, not judged. */
import type { Bench } from '../goal.ts';
import { judge, type Row } from '../judge.ts';
import { column, interleave, type Readings } from '../rounds.ts';
import type { Scene } from '../scene.ts';
import { percentile, timings } from '../statistics.ts';

export async function readingPaths(bench: Bench, { assistant, agent }: Scene): Promise<Row[]> {
  const server = agent.name;
  const paths: Record<
    string,
    { readonly times: number; readonly call: () => Promise<unknown>; readonly note: string }
  > = {
    list_servers: {
      times: bench.count(100, 20),
      call: () => assistant.call('list_servers'),
      note: 'the control plane alone',
    },
    read_file: {
      times: bench.count(100, 20),
      call: () => assistant.call('read_file', { server, path: '/etc/hostname' }),
      note: 'through link and runner',
    },
    'run_diagnostic overview': {
      times: bench.count(5, 2),
      call: () => assistant.call('run_diagnostic', { server, diagnostics: ['overview'] }),
      note: 'the sampling on the server included',
    },
  };
  const { ours } = await interleave({
    ours: async () => {
      const readings: Record<string, number> = {};
      for (const [name, { times, call }] of Object.entries(paths)) {
        const taken = await timings(times, call, 2);
        readings[`${name} p50`] = percentile(taken, 50);
        readings[`${name} p99`] = percentile(taken, 99);
      }
      return readings as Readings;
    },
  });
  return Object.entries(paths).flatMap(([name, { times, note }]) =>
    (['p50', 'p99'] as const)
      .filter((rank) => rank === 'p50' || times > 10)
      .map((rank) =>
        judge({
          ...{ goal: 'G8', what: `\`${name}\`, ${rank}`, unit: 'ms' },
          rounds: column(ours, `${name} ${rank}`),
          note: `${times} calls over MCP in each round; ${note}`,
        }),
      ),
  );
}
