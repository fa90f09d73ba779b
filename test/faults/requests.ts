/** What people and assistants do in the kill tests: ask, sign, approve, and see to the end of it. */
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFinal } from '@countersign/protocol';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import type { Call } from '@countersign/protocol/operator-api/index';
import type { World } from '../world/world.ts';
import type { Effects } from './effects.ts';
import { type Asked, judgeAction } from './judge.ts';
import { type Life, whileAlive } from './kills.ts';
import { type LockedBox, signed } from './locked-box.ts';

/** A request as it goes out, to be repeated until it is known what became of it. */
type Ask = () => Promise<{ action: { id: string } | null }>;

interface Open {
  readonly mark: string | null;
  readonly ask: Ask;
  asked: Asked | null;
  /** What else has to happen before it can end: a stop, a confirmation. */
  readonly nudge?: ((asked: Asked) => Promise<unknown>) | undefined;
}

export class Requests {
  readonly all: Asked[] = [];
  readonly #world: World;
  readonly #box: LockedBox;
  readonly #effects: Effects;
  readonly #assistant: Call;
  #open: Open[] = [];
  #marks = 0;

  constructor(world: World, box: LockedBox, effects: Effects, assistant: Call) {
    this.#world = world;
    this.#box = box;
    this.#effects = effects;
    this.#assistant = assistant;
  }

  /** A command that leaves its mark in the effect ledger. */
  async command(life: Life): Promise<Asked> {
    const mark = this.#nextMark();
    return this.ask(life, mark, this.#command(this.#effects.step(mark)));
  }

  /** A command, approved. */
  async run(life: Life): Promise<void> {
    await this.approve(life, await this.command(life));
  }

  /** A command, approved, that goes on until its start and its step are known: of what is over before that only the end is told. */
  async runLonger(life: Life): Promise<void> {
    const mark = this.#nextMark();
    const letGo = async () => this.#effects.letGo(mark);
    const { action } = await this.#askAndApprove(life, mark, this.#command(this.#effects.longStep(mark)), letGo);
    await whileAlive(life, 'its step to be known', async () => {
      const { state, current_step } = await this.#world.owner('getAction', { action });
      return current_step !== null || isFinal(state);
    });
    await letGo();
  }

  /** A command that goes on until it is stopped. */
  async stop(life: Life): Promise<void> {
    const mark = this.#nextMark();
    const ask = this.#command(this.#effects.step(mark, 600));
    const asked = await this.#askAndApprove(life, mark, ask, ({ action }) =>
      this.#world.owner('stopAction', { action }),
    );
    await whileAlive(life, 'the effect', async () => this.#effects.of(mark) === 1);
    await this.#world.owner('stopAction', { action: asked.action });
  }

  /** A change that could lock everybody out, approved and confirmed. */
  async confirm(life: Life, end: 'confirm' | 'stop' = 'confirm'): Promise<void> {
    const asked = await this.#askAndApprove(life, null, await this.#write('.ssh/authorized_keys'), (it) =>
      end === 'confirm' ? this.#confirm(it) : this.#world.owner('stopAction', { action: it.action }),
    );
    await whileAlive(life, 'the question for a confirmation', async () => {
      const { confirm_by } = await this.#world.owner('getAction', { action: asked.action });
      return confirm_by !== null;
    });
    if (end === 'confirm') await this.#confirm(asked);
    else await this.#world.owner('stopAction', { action: asked.action });
  }

  /** A file that somebody else changes before the approval: the server refuses, and asks again. */
  async drift(life: Life): Promise<void> {
    const ask = await this.#write('drifting.conf');
    const asked = await this.ask(life, null, ask);
    await writeFile(join(this.#box.files, 'drifting.conf'), `somebody else, after ${this.#marks}\n`);
    await this.approve(life, asked);
  }

  async ask(life: Life, mark: string | null, ask: Ask, nudge?: Open['nudge']): Promise<Asked> {
    const open: Open = { mark, ask, asked: null, nudge };
    this.#open.push(open);
    return this.#known(life, open);
  }

  /** Approves with a signature, as often as it takes to be told that it counts. */
  async approve(life: Life, asked: Asked): Promise<void> {
    const { owner } = this.#world;
    const detail = await owner('getAction', { action: asked.action });
    if (detail.state !== 'awaiting_approval') return;
    const { id: action, digest } = detail;
    await whileAlive(life, 'the approval to count', async () => {
      const { state } = await owner('getAction', { action });
      if (state !== 'awaiting_approval') return true;
      await owner('approveAction', { action, digest, typed_server: this.#box.name, signature: signed(digest) });
      asked.approved = true;
      return true;
    });
  }

  /** Sees to the end of everything that a death left open. Returns how it ended. */
  async settle(life: Life): Promise<string> {
    const said: string[] = [];
    await this.#online(life);
    for (const open of [...this.#open]) {
      const asked = await this.#known(life, open);
      await this.approve(life, asked);
      const [{ state, effects, settledMs }] = await Promise.all([
        judgeAction(this.#world.owner, this.#effects, asked, life),
        open.nudge && this.#nudge(life, asked, open.nudge),
      ]);
      said.push(`${state}${effects === null ? '' : `/${effects}`} ${(settledMs / 1000).toFixed(1)}s`);
      this.#open = this.#open.filter((it) => it !== open);
    }
    await this.#tidy();
    return said.join(' ');
  }

  async #known(life: Life, open: Open): Promise<Asked> {
    if (open.asked !== null) return open.asked;
    // A retried request gets the same action back (F9); what was never kept is asked anew.
    const action = await whileAlive(life, 'the request to be taken', async () => (await open.ask()).action?.id);
    open.asked = { mark: open.mark, action, approved: false };
    this.all.push(open.asked);
    return open.asked;
  }

  async #nudge(life: Life, asked: Asked, nudge: NonNullable<Open['nudge']>): Promise<void> {
    await whileAlive(life, 'what ends the action', async () => {
      const { state } = await this.#world.owner('getAction', { action: asked.action });
      if (isFinal(state) || state === 'unknown') return true;
      await nudge(asked);
      return undefined;
    });
  }

  /** What is asked again after a drift is not wanted any more. */
  async #tidy(): Promise<void> {
    const { owner } = this.#world;
    const { actions } = await owner('listActions', { state: 'awaiting_approval' });
    for (const { id: action } of actions) {
      const { digest, follows } = await owner('getAction', { action });
      if (follows === null) continue;
      await owner('rejectAction', { action, digest, reason: 'not this' }).catch(() => undefined);
    }
  }

  #online(life: Life): Promise<boolean> {
    const { serverId: server } = this.#box;
    return whileAlive(
      life,
      'the server to be online',
      async () => (await this.#world.owner('getServerStatus', { server })).state === 'online',
    );
  }

  async #confirm({ action }: Asked): Promise<unknown> {
    const { digest } = await this.#world.owner('getAction', { action });
    return this.#world.owner('confirmAction', { action, signature: signed(confirmationDigest(action, digest)) });
  }

  async #askAndApprove(life: Life, mark: string | null, ask: Ask, nudge: NonNullable<Open['nudge']>): Promise<Asked> {
    const asked = await this.ask(life, mark, ask, nudge);
    await this.approve(life, asked);
    return asked;
  }

  #nextMark(): string {
    this.#marks += 1;
    return `mark-${this.#marks}`;
  }

  #command(argv: string[]): Ask {
    return () => this.#assistant('runCommand', { server: this.#box.name, argv, timeout_s: 900 });
  }

  async #write(name: string): Promise<Ask> {
    this.#marks += 1;
    const path = join(this.#box.files, name);
    const content = `# ${this.#marks}\n`;
    const before = await readFile(path).catch(() => null);
    const expected_sha256 = before && createHash('sha256').update(before).digest('hex');
    return () => this.#assistant('writeFile', { server: this.#box.name, path, content, expected_sha256 });
  }
}
