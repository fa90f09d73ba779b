/** The control plane of an interleaving: the real use cases on a real SQLite in memory, with nothing of its own. */

import type { Report } from '@countersign/agent/run/runner-wire';
import { actionById, actionsIn } from '@countersign/control-plane/actions/action.store';
import type { ActionDeps } from '@countersign/control-plane/actions/action-deps';
import { closeUnknown } from '@countersign/control-plane/actions/close-unknown';
import { decide } from '@countersign/control-plane/actions/decide';
import { dispatchDue } from '@countersign/control-plane/actions/dispatch-due';
import { makeDispatcher } from '@countersign/control-plane/actions/dispatcher';
import { expireDue } from '@countersign/control-plane/actions/expire-due';
import { loseDue } from '@countersign/control-plane/actions/lose-due';
import { pauseDispatch } from '@countersign/control-plane/actions/pause';
import { propose } from '@countersign/control-plane/actions/propose';
import { recordFinished } from '@countersign/control-plane/actions/record-finished';
import { recordRefused } from '@countersign/control-plane/actions/record-refused';
import { recordStarted } from '@countersign/control-plane/actions/record-started';
import { requestStop } from '@countersign/control-plane/actions/request-stop';
import { resendDue } from '@countersign/control-plane/actions/resend-due';
import { resumeDispatch } from '@countersign/control-plane/actions/resume';
import { resumeServer } from '@countersign/control-plane/actions/resume-server';
import { withdraw } from '@countersign/control-plane/actions/withdraw';
import type { PolicyInForce } from '@countersign/control-plane/policy/policy-book';
import type { Log } from '@countersign/control-plane/ports';
import type { Db } from '@countersign/control-plane/storage/database';
import type { Clock, Ids } from '@countersign/protocol';
import type { ActionFacts } from './lifecycle-check.ts';
import type { Plane } from './lifecycle-parts.ts';
import { type Cards, heartOn } from './simulated-heart.ts';
import { anaHerself, assistant, people } from './simulated-people.ts';
import type { Ask, Sweep } from './story.ts';

export interface ControlPlaneOptions {
  readonly db: Db;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly fleet: ActionDeps['fleet'];
  readonly cards: Cards;
  readonly policy: () => PolicyInForce;
}

export class RealControlPlane implements Plane {
  readonly #deps: ActionDeps;
  readonly #startedAt: number;

  constructor(options: ControlPlaneOptions) {
    this.#deps = heartOn(options);
    this.#startedAt = options.clock.now();
    this.#deps.followers.add(makeDispatcher(this.#deps));
  }

  async propose(server: string, { risk, unit }: Ask): Promise<string> {
    const wanted = { kind: 'playbook', playbook: `test.${risk}`, parameters: { unit } } as const;
    return (await propose(this.#deps, assistant, { server, wanted })).actionId;
  }

  async digestOf(actionId: string): Promise<string> {
    return (await actionById(this.#deps.db, actionId))?.digest ?? '';
  }

  async decide(actionId: string, by: number, verdict: 'approve' | 'reject', digest: string): Promise<string> {
    const person = people[by] ?? people[0];
    if (!person) throw new RangeError('nobody');
    const said = { actionId, digest, verdict, person, secondTap: true };
    return (await decide(this.#deps, { ...said, channel: 'telegram', strength: 'tap' })).outcome;
  }

  async act(what: 'withdraw' | 'stop' | 'close', actionId: string): Promise<void> {
    if (what === 'withdraw') await withdraw(this.#deps, assistant, actionId);
    else if (what === 'stop') await requestStop(this.#deps, anaHerself, actionId);
    else await closeUnknown(this.#deps, anaHerself, { actionId, reason: 'looked at the server' });
  }

  async pause(on: boolean): Promise<void> {
    if (on) await pauseDispatch(this.#deps, anaHerself, { stopRunning: false });
    else
      await resumeDispatch({ ...this.#deps, prove: async () => 'code' }, anaHerself, { kind: 'code', code: '000000' });
  }

  async sweep(which: Sweep, serverId: string): Promise<void> {
    if (which === 'expire') await expireDue(this.#deps);
    else if (which === 'dispatch') await dispatchDue(this.#deps);
    else if (which === 'lose') await loseDue(this.#deps, { watchingSince: this.#startedAt });
    else if (which === 'resend') await resendDue(this.#deps);
    else await resumeServer(this.#deps, serverId);
  }

  async record(serverId: string, report: Report): Promise<void> {
    if (report.kind === 'started') await recordStarted(this.#deps, serverId, report);
    else if (report.kind === 'refused') await recordRefused(this.#deps, serverId, report);
    else await recordFinished(this.#deps, serverId, report);
  }

  async open(): Promise<number> {
    return (await actionsIn(this.#deps.db, ['awaiting_approval', 'approved', 'dispatched', 'running'])).length;
  }
}

/** What a checker reads of actions: the rows as they are. */
export async function factsOf(db: Db, ids: readonly string[]): Promise<ActionFacts[]> {
  if (ids.length === 0) return [];
  const rows = await db.selectFrom('action').selectAll().where('id', 'in', ids).orderBy('id').execute();
  const history = await db
    .selectFrom('action_history')
    .selectAll()
    .where('action_id', 'in', ids)
    .orderBy('n')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    digest: row.digest,
    plan: row.plan_json,
    startBy: row.start_by,
    hasResult: row.result_json !== null,
    history: history
      .filter((line) => line.action_id === row.id)
      .map(({ from_state, event, to_state, note }) => ({ from: from_state, event, to: to_state, note })),
  }));
}
