/** The workload that passes every fail point of the control plane, and the world in which it is killed there. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composeLink } from '@countersign/agent/compose';
import { readConfig, readSurroundings } from '@countersign/agent/config';
import { Backoff } from '@countersign/agent/link/backoff';
import { keepLinked } from '@countersign/agent/link/link';
import { passwords } from '@countersign/control-plane/access/passwords';
import { openDatabase, type Trx } from '@countersign/control-plane/storage/database';
import { write } from '@countersign/control-plane/storage/write';
import { systemIds } from '@countersign/protocol/system-ids';
import { pairTelegram } from '../world/approvers.ts';
import { eventually } from '../world/eventually.ts';
import { quickPasswords } from '../world/quick-passwords.ts';
import { startWorld, type World } from '../world/world.ts';
import { effectLedger } from './effects.ts';
import { judgeWhole } from './judge.ts';
import { KillCycles, type Life, type Mortal, type Place } from './kills.ts';
import { type LockedBox, lockedBox } from './locked-box.ts';
import { Requests } from './requests.ts';
import { fleetWorks, killBackup, trustWorks, type Works } from './works.ts';

export interface ControlPlaneWork extends AsyncDisposable {
  /** One kill at a place. */
  kill(place: Place): Promise<void>;
  /** One kill in the middle of a command, so long after it was asked for. */
  killAfter(ms: number): Promise<void>;
  /** What passes the place of this name. */
  passing(name: string, life: Life): Promise<unknown>;
  /** Lets everything come right without dying, and judges the whole. */
  judge(): Promise<void>;
  table(names: readonly string[]): string;
}

const POLICY = `format: countersign-policy/1
rules:
  - name: soon-over
    when: { tokens: [hasty] }
    ask: { approvals: 1, from: [owner], channels: [web, cli], strength: form, expires: 5s }
`;

/** The link comes back at once: it is the control plane that is tried here, and the wait is tried elsewhere. */
class AtOnce extends Backoff {
  override next(): number {
    return 40;
  }
}

export async function controlPlaneWork(): Promise<ControlPlaneWork> {
  const world = await startWorld({ telegram: true, policy: POLICY });
  const box = await lockedBox(world, 'box');
  await box.runner.start(null);
  const stop = new AbortController();
  const linked = keepLink(box, stop.signal);
  const telegram = await pairTelegram(world);
  const folder = await mkdtemp(join(tmpdir(), 'countersign-faults-'));
  const effects = effectLedger(folder);
  const requests = new Requests(world, box, effects, world.as(await world.token()));
  const works = { ...(await trustWorks(world)), ...(await fleetWorks(world, box, requests)) };
  const cycles = new KillCycles(mortalWorld(world));
  const says = () => telegram.twin.sendText(telegram.user, telegram.chat, '/pending');
  const seen = {
    passing: (name: string, life: Life) =>
      name.startsWith('telegram.note_update') ? Promise.resolve(says()) : passing(works, requests, name, life),
    table: (names: readonly string[]) =>
      cycles
        .table()
        .split('\n')
        .filter((line) => names.some((name) => line.startsWith(`${name} `)))
        .join('\n'),
  };
  await world.restart('SIGTERM', () => quickPassword(world));
  await world.restart('SIGTERM');
  return {
    ...seen,
    kill: async (place) => {
      if (place.name.startsWith('storage.backup')) return killBackup(world, place, cycles);
      await dead(world);
      if (place.name.startsWith('fleet.witnesses')) await newCheckpoint(world);
      await cycles.run(place, (life) => requests.settle(life));
    },
    async killAfter(ms) {
      await dead(world);
      await cycles.runFor(
        ms,
        () => dead(world),
        (life) => requests.run(life),
        (life) => requests.settle(life),
      );
    },
    async judge() {
      await dead(world);
      await world.revive(null);
      // Connections to the process that died may still be kept for the next call: each is tried until none is left.
      const asked = () => Promise.all(Array.from({ length: 8 }, () => world.owner('getMe', {})));
      await eventually('the control plane to answer a person', asked);
      await requests.settle({ over: false });
      await judgeWhole(world.owner, effects, requests.all);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await linked;
      // A step that was not let go ends with it, and the runner after its step.
      await rm(folder, { recursive: true, force: true });
      await box[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** The real link, in this process. */
async function keepLink(box: LockedBox, signal: AbortSignal): Promise<void> {
  const given = { config: readConfig(box.config), surroundings: readSurroundings(), self: [] };
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const link = composeLink({ ...given, log: quiet }, () => undefined);
  try {
    await keepLinked({ ...link, backoff: new AtOnce(systemIds) }, signal);
  } finally {
    link.dispose();
  }
}

function mortalWorld(world: World): Mortal {
  return {
    get ended() {
      return world.ended;
    },
    start: (failPoint) => world.revive(failPoint),
  };
}

/** A control plane that ends in order leaves a checkpoint, which the next one has countersigned. */
async function newCheckpoint(world: World): Promise<void> {
  await world.revive(null);
  await world.halt('SIGTERM');
}

/** A hash names its own price: the owner's gets the lowest, or dozens of proofs of who they are take a quarter of a second of a core each. */
async function quickPassword({ dataDir, email, password }: World): Promise<void> {
  const db = await openDatabase({ path: join(dataDir, 'countersign.db') });
  const password_hash = await passwords(systemIds, quickPasswords).hash(password);
  const set = (trx: Trx) =>
    trx.updateTable('person').set({ password_hash }).where('email', '=', email).executeTakeFirst();
  assert.equal((await write(db, set)).numUpdatedRows, 1n);
  await db.destroy();
}

/** The first kill of a run finds a control plane that still lives. */
async function dead(world: World): Promise<void> {
  await world.halt('SIGKILL');
}

/** The work of the longest beginning that fits; a command that runs to its end unless there is one. */
function passing(works: Works, requests: Requests, name: string, life: Life): Promise<unknown> {
  const own = Object.entries(works).find(([beginning]) => name.startsWith(beginning));
  return own ? own[1](life) : requests.run(life);
}
