/** The workload that passes the fail points of link and runner, and the world in which either is killed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleAgent } from '../../agent/install/bundle.ts';
import { startWorld } from '../world/world.ts';
import { effectLedger } from './effects.ts';
import { judgeWhole } from './judge.ts';
import { KillCycles, type Life, type Place, whileAlive } from './kills.ts';
import { enrolSettings, firstLock, lockedBox, nextChange, Part } from './locked-box.ts';
import { Requests } from './requests.ts';

export interface AgentWork extends AsyncDisposable {
  kill(place: Pick<Place, 'name' | 'act'>): Promise<void>;
  /** One kill in the middle of a command, so long after it was asked for. */
  killAfter(ms: number): Promise<void>;
  judge(): Promise<void>;
  table(): string;
}

/** `which`: the process that is killed; the other one lives on. */
export async function agentWork(which: 'runner' | 'link'): Promise<AgentWork> {
  const world = await startWorld();
  // The bundle that servers have: it starts with a fifth of the work that the sources take.
  const box = await lockedBox(world, 'box', (await bundleAgent()).program);
  const other = which === 'runner' ? box.link : box.runner;
  const folder = await mkdtemp(join(tmpdir(), 'countersign-faults-'));
  const effects = effectLedger(folder);
  const requests = new Requests(world, box, effects, world.as(await world.token()));
  const { owner, password } = world;
  await owner('initLock', { state: firstLock, proof: { kind: 'password', password } });
  const changeLock = async (life: Life) => {
    const { state } = await owner('getLock', {});
    if (state) await owner('changeLock', { change: nextChange(state) });
    return whileAlive(life, 'the change of the lock to be followed', async () => false);
  };
  // A control plane that ends in order makes a checkpoint, and the next one hands it on to links as they come.
  const checkpoint = async (life: Life) => {
    if (which === 'runner') {
      await world.restart('SIGTERM');
      // By itself it comes back after a wait that doubles up to a minute.
      await box.link.stop();
      await box.link.start(null);
    }
    return whileAlive(life, 'the checkpoint', async () => false);
  };
  const works: Readonly<Record<string, (life: Life) => Promise<unknown>>> = {
    'journal.refused': (life) => requests.drift(life),
    'journal.stop_asked': (life) => requests.stop(life),
    'run.lock_book': changeLock,
    'link.lock_changes': changeLock,
    'run.checkpoints': checkpoint,
    'link.checkpoint': checkpoint,
  };
  const mortal = box[which];
  const cycles = new KillCycles(mortal);
  await box.runner.start(null);
  await box.link.start(null);
  return {
    table: () => cycles.table(),
    async kill({ name, act = 'kill' }) {
      await mortal.stop();
      if (name.startsWith('link.checkpoint')) await world.restart('SIGTERM');
      const own = Object.entries(works).find(([beginning]) => name.startsWith(beginning))?.[1];
      const work = own ?? ((life: Life) => requests.run(life));
      await cycles.run({ name, act, work }, (life) => requests.settle(life));
    },
    async killAfter(ms) {
      await mortal.stop();
      await cycles.runFor(
        ms,
        () => mortal.stop(),
        (life) => requests.run(life),
        (life) => requests.settle(life),
      );
    },
    async judge() {
      await mortal.stop();
      await mortal.start(null);
      await requests.settle({ over: false });
      await judgeWhole(owner, effects, requests.all);
    },
    async [Symbol.asyncDispose]() {
      await other.stop();
      await box[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Enrolling is a program of its own: killed anywhere, the server can be enrolled afterwards. */
export async function killEnrolment(names: readonly string[], each: number): Promise<string> {
  await using world = await startWorld();
  const { program } = await bundleAgent();
  const cycles = new KillCycles({ ended: Promise.resolve(null), start: async () => undefined });
  for (const name of names)
    for (let kill = 0; kill < each; kill += 1) {
      const folder = await mkdtemp(join(tmpdir(), 'countersign-enrol-'));
      const { server, words } = await enrolSettings(world, `${name.replaceAll(/[._]/g, '-')}-${kill}`, folder);
      await cycles.runAlone(new Part([program, ...words], /never/), name);
      const { enrolment_token: token } = await world.owner('renewEnrolment', { server: server.id });
      const again = new Part([program, 'enroll', '--state', folder, '--token', token], /never/);
      await again.start(null);
      if ((await again.ended) !== 0) throw new Error(`it cannot be enrolled after ${name}: ${again.printed}`);
      await rm(folder, { recursive: true, force: true });
      cycles.note(name, 'enrolled');
    }
  return cycles.table();
}
