/** People and an assistant at work: they ask, approve, reject, withdraw and stop, at random, and remember what they were answered. */
import { actionsIn } from '@countersign/control-plane/actions/action.store';
import type { ActionDeps } from '@countersign/control-plane/actions/action-deps';
import { decide } from '@countersign/control-plane/actions/decide';
import { pauseDispatch } from '@countersign/control-plane/actions/pause';
import { propose } from '@countersign/control-plane/actions/propose';
import { requestStop } from '@countersign/control-plane/actions/request-stop';
import { resumeDispatch } from '@countersign/control-plane/actions/resume';
import { withdraw } from '@countersign/control-plane/actions/withdraw';
import { Fault } from '@countersign/protocol';
import type { Chance } from './chance.ts';
import { anaHerself, assistant, people } from './simulated-people.ts';
import { Killed } from './simulated-process.ts';
import { nameOf } from './simulated-runner.ts';

/** Dan may only look. */
const APPROVERS = 3;
const RISKS = ['low', 'medium', 'medium', 'medium', 'high', 'high', 'critical'] as const;
const UNITS = ['nginx', 'php-fpm', 'redis'] as const;

export interface Memory {
  /** Who tried to approve the right digest and may. */
  readonly approvers: Set<string>;
  /** Answers that said that this verdict decided. */
  readonly decisions: string[];
}

export class Crowd {
  readonly #chance: Chance;
  readonly #serverIds: readonly string[];
  readonly #memories = new Map<string, Memory>();
  /** What was answered with something else than a fault of the catalogue. */
  readonly problems: unknown[] = [];

  constructor(chance: Chance, serverIds: readonly string[]) {
    this.#chance = chance;
    this.#serverIds = serverIds;
  }

  memoryOf(actionId: string): Memory {
    const known = this.#memories.get(actionId) ?? { approvers: new Set<string>(), decisions: [] };
    this.#memories.set(actionId, known);
    return known;
  }

  /** One of them does something. The answer may never come. */
  stir(deps: ActionDeps): void {
    const what = this.#chance.next();
    if (what < 0.04) this.#call(() => this.pause(deps, this.#chance.happens(0.4)));
    else if (what < 0.3) this.#call(() => this.ask(deps));
    else if (what < 0.8) this.#call(() => this.#answerSome(deps));
    else this.#call(() => this.#takeBackSome(deps));
  }

  /** Asks for a change; resolves with the action's id. */
  async ask(
    deps: ActionDeps,
    serverId = this.#chance.pick(this.#serverIds),
    risk: (typeof RISKS)[number] = this.#chance.pick(RISKS),
  ): Promise<string> {
    const parameters = { unit: this.#chance.pick(UNITS) };
    const wanted = { kind: 'playbook', playbook: `test.${risk}`, parameters } as const;
    return (await propose(deps, assistant, { server: nameOf(serverId), wanted })).actionId;
  }

  /** Pauses all changes, or ends the pause. */
  async pause(deps: ActionDeps, on: boolean): Promise<void> {
    if (on) await pauseDispatch(deps, anaHerself, { stopRunning: this.#chance.happens(0.5) });
    else await resumeDispatch({ ...deps, prove: async () => 'code' }, anaHerself, { kind: 'code', code: '000000' });
  }

  /** Gives one verdict on one action. */
  async answer(deps: ActionDeps, action: { id: string; digest: string }, by: number, verdict: 'approve' | 'reject') {
    const person = people[by];
    if (!person) throw new RangeError('nobody');
    const memory = this.memoryOf(action.id);
    if (verdict === 'approve' && by < APPROVERS) memory.approvers.add(person.id);
    const said = { actionId: action.id, digest: action.digest, verdict, person, secondTap: true };
    const { outcome } = await decide(deps, { ...said, channel: 'telegram', strength: 'tap' });
    if (outcome !== 'counted') memory.decisions.push(outcome === 'approved' ? 'approve' : 'reject');
  }

  async #answerSome(deps: ActionDeps): Promise<void> {
    const waiting = await actionsIn(deps.db, ['awaiting_approval']);
    if (waiting.length === 0) return;
    const action = this.#chance.pick(waiting);
    const taps = this.#chance.happens(0.2) ? 2 : 1; // a double tap
    for (let n = 0; n < taps; n += 1)
      this.#call(() => this.answer(deps, action, this.#chance.below(people.length), this.#verdict()));
  }

  async #takeBackSome(deps: ActionDeps): Promise<void> {
    const open = await actionsIn(deps.db, ['awaiting_approval', 'approved', 'dispatched', 'running']);
    if (open.length === 0) return;
    const { id, state } = this.#chance.pick(open);
    if (state === 'running' || this.#chance.happens(0.3)) await requestStop(deps, anaHerself, id);
    else await withdraw(deps, assistant, id);
  }

  #verdict(): 'approve' | 'reject' {
    return this.#chance.happens(0.85) ? 'approve' : 'reject';
  }

  #call(work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (!(error instanceof Fault || error instanceof Killed)) this.problems.push(error);
    });
  }
}
