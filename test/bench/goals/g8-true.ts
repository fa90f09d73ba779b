/** G8: what the whole path costs: `true` on a server, asked for over MCP, allowed by policy, signed, audited. */
import { eventually } from '../../world/eventually.ts';
import { type Bench, counted, type Goal } from '../goal.ts';
import { atMost, judge, type Peer, type Row } from '../judge.ts';
import { ansibleOn } from '../peers/ansible.ts';
import { startSshd } from '../peers/own-sshd.ts';
import { type Contenders, column, interleave, type Readings, ROUNDS } from '../rounds.ts';
import { runThrough, type Scene, startScene } from '../scene.ts';
import { secondSession } from '../second-session.ts';
import { percentile, timings } from '../statistics.ts';
import { readingPaths } from './reading-paths.ts';

export const g8: Goal = {
  id: 'G8',
  asks: '`true`, allowed beforehand, over MCP with audit, signature and policy: p50 at most 1.2 × and p99 at most 1.5 × ssh with ControlMaster, p50 at most 0.1 × a new ssh; from an approval to the start of the step p99 at most 50 ms.',
  measure: async (bench) => {
    await using scene = await startScene();
    return [
      ...(await besideSsh(bench, scene)),
      await fromApproval(bench, scene),
      ...(await readingPaths(bench, scene)),
    ];
  },
};

export const latencies = async (
  times: number,
  warm: number,
  work: (n: number) => Promise<unknown>,
): Promise<Readings> => {
  const taken = await timings(times, work, warm);
  return { p50: percentile(taken, 50), p99: percentile(taken, 99) };
};

async function besideSsh(bench: Bench, scene: Scene): Promise<Row[]> {
  const calls = bench.count(200, 30);
  const sshd = await startSshd();
  await using _sshd = 'missing' in sshd ? null : sshd;
  const ours = () => latencies(calls, 5, () => runThrough(scene.assistant, scene.agent.name, ['true']));
  const note = `${counted(calls)} calls in each round, one after the other; run_command answers with the end, one call of MCP`;
  if ('missing' in sshd) {
    const { p50, p99 } = await onlyOurs(ours);
    const peer = (name: string): Peer => ({ name, missing: sshd.missing });
    return rowsOf(
      { p50, p99 },
      { master: [peer(MASTER), peer(MASTER)], fresh: peer(FRESH), ansible: peer(ANSIBLE) },
      note,
    );
  }
  await using master = await sshd.master();
  const ansible = await ansibleOn(sshd);
  await using _ansible = 'missing' in ansible ? null : ansible;
  const contenders: Contenders = {
    ours,
    master: () => latencies(calls, 5, () => master.run(['true'])),
    fresh: () => latencies(bench.count(20, 5), 1, () => sshd.fresh(['true'])),
    ...('missing' in ansible ? {} : { ansible: () => latencies(bench.count(5, 2), 1, () => ansible.run('true')) }),
  };
  const measured = await interleave(contenders);
  const of = (name: string, figure: string) => column(measured[name] ?? [], figure);
  const master50: Peer = { name: MASTER, rounds: of('master', 'p50') };
  return rowsOf(
    { p50: of('ours', 'p50'), p99: of('ours', 'p99') },
    {
      master: [master50, { name: MASTER, rounds: of('master', 'p99') }],
      fresh: { name: FRESH, rounds: of('fresh', 'p50') },
      ansible:
        'missing' in ansible
          ? { name: ANSIBLE, missing: ansible.missing }
          : { name: ANSIBLE, rounds: of('ansible', 'p50') },
    },
    note,
  );
}

const MASTER = 'ssh, ControlMaster';
const FRESH = 'ssh, new connection';
const ANSIBLE = 'Ansible, pipelined';

async function onlyOurs(ours: () => Promise<Readings>) {
  const { ours: rounds } = await interleave({ ours });
  return { p50: column(rounds, 'p50'), p99: column(rounds, 'p99') };
}

function rowsOf(
  { p50, p99 }: { readonly p50: readonly number[]; readonly p99: readonly number[] },
  peers: { readonly master: readonly [Peer, Peer]; readonly fresh: Peer; readonly ansible: Peer },
  note: string,
): Row[] {
  const base = { goal: 'G8', unit: 'ms', note } as const;
  return [
    judge({ ...base, what: '`true`, p50', rounds: p50, peer: peers.master[0], bound: atMost(1.2) }),
    judge({ ...base, what: '`true`, p99', rounds: p99, peer: peers.master[1], bound: atMost(1.5) }),
    judge({ ...base, what: '`true`, p50', rounds: p50, peer: peers.fresh, bound: atMost(0.1) }),
    judge({ ...base, what: '`true`, p50', rounds: p50, peer: peers.ansible }),
  ];
}

async function fromApproval(bench: Bench, { world, agent }: Scene): Promise<Row> {
  const times = bench.count(50, 8);
  const decide = world.as(await secondSession(world));
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const waits: number[] = [];
    for (let n = 0; n < times; n += 1) {
      const { action } = await world.owner('runCommand', { server: agent.name, argv: ['true', `${round}.${n}`] });
      if (!action) throw new Error('no action was made');
      await decide('approveAction', { action: action.id, digest: action.digest, typed_server: agent.name });
      const done = await eventually('the command to end', async () => {
        const seen = await world.owner('getAction', { action: action.id, wait_s: 5 });
        return seen.state === 'succeeded' ? seen : undefined;
      });
      waits.push(Date.parse(done.result?.steps[0]?.started_at ?? '') - Date.parse(done.approvals.at(-1)?.at ?? ''));
    }
    rounds.push(percentile(waits, 99));
  }
  return judge({
    goal: 'G8',
    what: 'approval to the start of the step, p99',
    unit: 'ms',
    rounds,
    bound: atMost(50),
    smaller: bench.quick, // of a few, the 99th percentile is the slowest
    note: `${times} approvals in each round; clocks of one machine`,
  });
}
