/** G10: one server with much to do at once, and much to print. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { openSqlite } from '@countersign/control-plane/storage/database';
import { ToolError } from '../../world/assistants.ts';
import { storePath } from '../full-store.ts';
import { type Bench, counted, type Goal } from '../goal.ts';
import { atLeast, atMost, judge, type Peer, type Row } from '../judge.ts';
import { type Master, startSshd } from '../peers/own-sshd.ts';
import { type Contenders, column, interleave, ROUNDS } from '../rounds.ts';
import { runThrough, type Scene, startScene } from '../scene.ts';
import { perSecond } from '../statistics.ts';
import { latencies } from './g8-true.ts';

const AT_ONCE = 50;
const ASSISTANTS = 10;
const MB = 1_000_000;
const MASTER = 'ssh, ControlMaster';

export const g10: Goal = {
  id: 'G10',
  asks: '50 commands at once on one server: at least 1.3 × as many per second as ssh with ControlMaster; 1 MB of output within 2 × its time, with every byte accounted for.',
  measure: async (bench) => {
    await using scene = await startScene({ assistants: ASSISTANTS });
    const sshd = await startSshd();
    await using _sshd = 'missing' in sshd ? null : sshd;
    await using master = 'missing' in sshd ? null : await sshd.master();
    const missing = 'missing' in sshd ? sshd.missing : null;
    return [await atOnce(bench, scene, master, missing), ...(await muchOutput(bench, scene, master, missing))];
  },
};

const peerOf = (rounds: readonly number[] | null, missing: string | null): Peer =>
  rounds === null ? { name: MASTER, missing: missing ?? 'openssh-server' } : { name: MASTER, rounds };

async function atOnce(bench: Bench, scene: Scene, master: Master | null, missing: string | null): Promise<Row> {
  const times = bench.count(500, 100);
  let [n, refused] = [0, 0];
  const ours = async () => ({
    perSecond: await perSecond(times, AT_ONCE, (_, lane) => {
      n += 1;
      const own = String(n);
      const assistant = scene.assistants[lane % ASSISTANTS] ?? scene.assistant;
      // The very same command does not run twice at once: each has an argument of its own.
      return patiently(
        () => runThrough(assistant, scene.agent.name, ['true', own]),
        () => {
          refused += 1;
        },
      );
    }),
  });
  const theirs = master && (async () => ({ perSecond: await perSecond(times, AT_ONCE, () => master.run(['true'])) }));
  const contenders: Contenders = { ours, ...(theirs && { theirs }) };
  const measured = await interleave(contenders);
  return judge({
    goal: 'G10',
    what: `\`true\` on one server, ${AT_ONCE} at once`,
    unit: '/s',
    rounds: column(measured.ours ?? [], 'perSecond'),
    peer: peerOf(measured.theirs ? column(measured.theirs, 'perSecond') : null, missing),
    bound: atLeast(1.3),
    note: `${counted(times)} commands in each round, from ${ASSISTANTS} tokens, since of one credential six calls run at once; a server that is busy was asked again ${counted(refused)} times, as its error says`,
  });
}

const BUSY_MS = 20;
const PATIENCE = 500;

/** Asks again while the server says that it has too much under way. */
async function patiently(work: () => Promise<unknown>, wasBusy: () => void): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await work();
      return;
    } catch (error) {
      const busy = error instanceof ToolError ? error.code === 'agent_busy' : /too many requests/.test(String(error));
      if (!busy || tries >= PATIENCE) throw error;
      wasBusy();
      await pause(BUSY_MS);
    }
  }
}

async function muchOutput(bench: Bench, scene: Scene, master: Master | null, missing: string | null): Promise<Row[]> {
  const calls = bench.count(30, 5);
  const file = join(scene.agent.stateDir, 'much.txt');
  await writeFile(file, `${'x'.repeat(99)}\n`.repeat(MB / 100));
  let last = '';
  const ours = () =>
    latencies(calls, 1, async () => {
      last = (await runThrough(scene.assistant, scene.agent.name, ['cat', file])).action;
    });
  const theirs =
    master &&
    (() =>
      latencies(calls, 1, async () => {
        const { length } = await master.run(['cat', file]);
        if (length !== MB) throw new Error(`ssh brought ${length} bytes`);
      }));
  const contenders: Contenders = { ours, ...(theirs && { theirs }) };
  const measured = await interleave(contenders);
  return [
    judge({
      goal: 'G10',
      what: '1 MB of output, p50',
      unit: 'ms',
      rounds: column(measured.ours ?? [], 'p50'),
      peer: peerOf(measured.theirs ? column(measured.theirs, 'p50') : null, missing),
      bound: atMost(2),
      note: `${calls} calls in each round; ours is redacted twice, kept on disk, and its end shown; ssh hands over all of it`,
    }),
    judge({
      goal: 'G10',
      what: 'of 1 MB, bytes not accounted for',
      unit: '',
      rounds: Array.from({ length: ROUNDS }, () => MB - bytesOf(scene.world.dataDir, last)),
      bound: atMost(0),
      note: 'kept in the store, or counted there as left out; of the last call',
    }),
  ];
}

/** What the store keeps of the output of an action and what it counts as dropped, bytes. */
function bytesOf(dataDir: string, action: string): number {
  const sqlite = openSqlite(storePath(dataDir));
  try {
    const query = 'select sum(length(cast(text as blob)) + dropped) as bytes from action_output where action_id = ?';
    return Number((sqlite.prepare(query).all([action])[0] as { bytes: number | null }).bytes ?? 0);
  } finally {
    sqlite.close();
  }
}
