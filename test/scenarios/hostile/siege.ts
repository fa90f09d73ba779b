/** A real server under siege: its control plane is gone, and a hostile one holds its place. */
import assert from 'node:assert/strict';
import type { SignedLockChange } from '@countersign/protocol';
import { changeOf } from '../../../protocol/test/approvers.ts';
import { bootHost, type Host } from '../../hosts/host.ts';
import { type Effects, watchEffects } from '../../world/effects-on-host.ts';
import { eventually } from '../../world/eventually.ts';
import { HostileControlPlane, type Told } from '../../world/hostile-control-plane.ts';
import { startWorld, type World } from '../../world/world.ts';
import type { GrantAttempt } from './grant-attempts.ts';
import { leaveSpoils, lockedServer, makePeople, type People, SERVER_NAME, type Spoils, spoilsOf } from './spoils.ts';

interface JournalEntry {
  readonly kind: string;
  readonly actionId?: string;
  readonly report?: string;
}

export class Siege {
  readonly people: People = makePeople();
  readonly host: Host;
  readonly world: World;
  /** Changes of the lock that the server has followed. */
  followed: readonly SignedLockChange[] = [];
  server = '';
  #plane: HostileControlPlane | undefined;
  #spoils: Spoils | undefined;
  #effects: (() => Promise<Effects>) | undefined;
  #untouched: Effects | undefined;
  #giveBack: () => Promise<void> = async () => undefined;

  private constructor(host: Host, world: World) {
    this.host = host;
    this.world = world;
  }

  /** A locked server that did honest work, and a control plane that was then taken over. */
  static async begin(): Promise<Siege> {
    const host = await bootHost({ name: SERVER_NAME });
    const siege = new Siege(host, await startWorld({ host: host.gateway }));
    try {
      await siege.#begin();
    } catch (error) {
      await siege[Symbol.asyncDispose]();
      throw error;
    }
    return siege;
  }

  async #begin(): Promise<void> {
    const { world, people, host } = this;
    // What the host does at its times, at midnight for one, would look like an attack.
    await host.exec(['systemctl', 'stop', '*.timer']);
    this.server = await lockedServer(world, host, people);
    const signatures = { ...people.lock.signatures, low: 2, change: 2 };
    const change = changeOf(people.lock, { kind: 'require', signatures }, [people.ada, people.grace]);
    this.followed = [change];
    await world.owner('changeLock', { change });
    await eventually('the lock to be followed', async () => {
      const { policy } = await world.owner('getServerStatus', { server: this.server });
      return policy?.lock?.number === 1;
    });
    const ids = await leaveSpoils(world, host, people);
    await host.exec(['ln', '-s', '/etc/shadow', '/etc/hostile-link']);
    await this.takeOver();
    this.#spoils = spoilsOf(this.plane, ids);
  }

  get plane(): HostileControlPlane {
    assert.ok(this.#plane, 'nobody took the control plane over');
    return this.#plane;
  }

  get spoils(): Spoils {
    assert.ok(this.#spoils);
    return this.#spoils;
  }

  /** Puts a hostile control plane into the place of the real one, and begins to watch the host. */
  async takeOver(): Promise<void> {
    const [gone, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const back = this.world.restart('SIGKILL', () => {
      gone.resolve();
      return over.promise;
    });
    this.#giveBack = async () => {
      over.resolve();
      await back;
    };
    await gone.promise;
    this.#plane = await HostileControlPlane.takeOver(this.world, { id: this.server, name: SERVER_NAME });
    await this.reconnected();
    await this.plane.agent();
    this.#effects = await watchEffects(this.host);
    await this.nowUntouched();
  }

  /** The attacker goes, the real control plane comes back on its own store. */
  async giveBack(): Promise<void> {
    await this.#plane?.[Symbol.asyncDispose]();
    this.#plane = undefined;
    await this.#giveBack();
    this.#giveBack = async () => undefined;
  }

  /** Has the link come back at once, instead of after a wait that grows with each break. */
  async reconnected(): Promise<void> {
    const before = this.plane.peers.length;
    await this.host.exec(['systemctl', 'reset-failed', 'countersign-link'], { okCodes: 'any' });
    await this.host.exec(['systemctl', 'restart', 'countersign-link']);
    await eventually('the link to dial', () => this.plane.peers.length > before);
  }

  effects(): Promise<Effects> {
    assert.ok(this.#effects);
    return this.#effects();
  }

  /** What is so now, once the last action has let go of its units and its timer, is as it should be. */
  async nowUntouched(): Promise<void> {
    await this.host.waitFor([
      'sh',
      '-c',
      "! systemctl list-units --all --plain --no-legend 'countersign-act*' 'countersign-revert*' | grep .",
    ]);
    this.#untouched = await this.effects();
  }

  async nothingRan(): Promise<void> {
    assert.deepEqual(await this.effects(), this.#untouched, 'something ran');
  }

  /** Lines of the runner's journal, by kind, once it holds of every end that it was kept: that line comes by itself, later. */
  async journal(): Promise<{ lines: number; kinds: Record<string, number> }> {
    const entries = await eventually('the journal to say that every end is kept', async () => {
      const text = await this.host.readFile('/var/lib/countersign/runner/journal.ndjson');
      const all = text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { entry: JournalEntry }).entry);
      const kept = new Set(all.filter((it) => it.kind === 'kept').map((it) => `${it.report} ${it.actionId}`));
      const isKept = ({ kind, actionId }: JournalEntry) =>
        kind === 'result' ? kept.has(`finished ${actionId}`) : kind !== 'refused' || kept.has(`refused ${actionId}`);
      return all.every(isKept) && all;
    });
    const kinds: Record<string, number> = {};
    for (const { kind } of entries) kinds[kind] = (kinds[kind] ?? 0) + 1;
    return { lines: entries.length, kinds };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.giveBack();
    await this.world[Symbol.asyncDispose]();
    await this.host[Symbol.asyncDispose]();
  }
}

export function assertRefused(
  { name, code, reason }: Pick<GrantAttempt, 'name' | 'code' | 'reason'>,
  told: Told,
): void {
  if (code === 'retold') {
    assert.notEqual(told.type, 'refused', name);
    return;
  }
  assert.ok(told.type === 'refused', `${name}: it ${told.type}`);
  assert.equal(told.fault.code, code, `${name}: ${JSON.stringify(told.fault)}`);
  if (reason) assert.match(String(told.fault.slots.reason), reason, name);
}
