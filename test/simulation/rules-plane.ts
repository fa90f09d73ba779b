/**
 * A quick control plane of an interleaving, made of the product's pure rules: transitions, policy, the judgement of verdicts,
 * quorum, the digest of plans, grants. What is not pure is as `actions/` has it, over rows in memory; between any two looks
 * at them somebody else may have a turn.
 */
import type { Report } from '@countersign/agent/run/runner-wire';
import { actionLimits } from '@countersign/control-plane/actions/action-deps';
import { actionRow } from '@countersign/control-plane/actions/action-row';
import { draftPlan } from '@countersign/control-plane/actions/draft-plan';
import { grantOf } from '@countersign/control-plane/actions/grant-of';
import { judge } from '@countersign/control-plane/actions/judge-verdict';
import { shareResource } from '@countersign/control-plane/actions/plan-resources';
import { planTampered } from '@countersign/control-plane/actions/plan-tampered';
import { quorumOf } from '@countersign/control-plane/actions/quorum';
import { storedPolicy } from '@countersign/control-plane/actions/stored-policy';
import { evaluate } from '@countersign/control-plane/policy/evaluate';
import type { PolicyFacts, PolicyVerdict } from '@countersign/control-plane/policy/policy';
import {
  type ActionResult,
  Fault,
  fault,
  firstStates,
  type Ids,
  type Plan,
  type PlanDraft,
} from '@countersign/protocol';
import type { Plane, PlaneSurroundings } from './lifecycle-parts.ts';
import type { Row, RulesStore, Vote } from './rules-store.ts';
import { controlPlaneKey, playbooks } from './simulated-heart.ts';
import { assistant, people, roleOf } from './simulated-people.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import { nameOf } from './simulated-runner.ts';
import type { Ask, Sweep } from './story.ts';

export interface RulesSurroundings extends PlaneSurroundings {
  readonly process: SimulatedProcess;
  readonly store: RulesStore;
  readonly ids: Ids;
  readonly turn: () => Promise<void>;
}

const limits = actionLimits;
const by = { personId: assistant.person.id, tokenId: assistant.token?.id ?? null, client: null, sessionId: null };
const eventOf = { succeeded: 'succeed', failed: 'fail', stopped: 'stop', unknown: 'lose' } as const;

export class RulesPlane implements Plane {
  readonly #at: RulesSurroundings;
  readonly #startedAt: number;

  constructor(at: RulesSurroundings) {
    this.#at = at;
    this.#startedAt = at.clock.now();
  }

  async propose(serverId: string, { risk, unit }: Ask): Promise<string> {
    await this.#turn();
    const { store, fleet, policy, ids } = this.#at;
    const key = `${serverId} ${risk} ${unit}`;
    const repeated = store.openRepeat(key, this.#now() - limits.repeatMs);
    if (repeated) return repeated.id;
    const draft = draftOf(serverId, { risk, unit });
    if (!fleet.isOnline(serverId)) throw fault('server_offline', { server: serverId, since: '' });
    const inForce = policy();
    const verdict = evaluate(inForce.policy, this.#facts(draft));
    const preview = await fleet.preview(serverId, draft);
    await this.#turn();
    const again = store.openRepeat(key, this.#now() - limits.repeatMs);
    if (again) return again.id;
    const at = this.#now();
    const [id, decideBy] = [ids.id('act'), at + storedPolicy(verdict, inForce.sha256).ask.expiresMs];
    const plan: Plan = { ...draft, preview, request: { action: id, valid_until: decideBy + limits.startWindowMs } };
    const asked = { id, at, decideBy, by, plan, verdict, inForce, key, reason: undefined };
    const row = actionRow({ playbooks, limits }, { ...asked, foretold: false });
    const busy = store.in(['approved', 'dispatched', 'running'], serverId);
    if (busy.some((it) => shareResource(it.resource, row.resource)))
      throw fault('target_busy', { action: id, server: serverId });
    store.begin({ ...row, state: firstStates[verdict.verdict] }, verdict.why);
    return id;
  }

  async digestOf(actionId: string): Promise<string> {
    return this.#at.store.row(actionId).digest;
  }

  async decide(actionId: string, n: number, verdict: 'approve' | 'reject', digest: string): Promise<string> {
    await this.#turn();
    const { store, ids } = this.#at;
    const [now, person] = [this.#now(), people[n] ?? assistant.person];
    const said = { actionId, digest, verdict, person, secondTap: true, channel: 'telegram', strength: 'tap' } as const;
    const action = store.row(actionId);
    const standing = { role: roleOf(n), removed: false, ideAnswers: false };
    const known = { votes: store.votesOn(actionId), lock: null, ownKeys: [], party: null, now };
    const judged = judge(said, { ...known, action, serverName: nameOf(action.server_id), standing });
    const refused = judged instanceof Fault ? judged : verdict === 'approve' ? planTampered(action) : undefined;
    if (refused) {
      if (action.state === 'awaiting_approval' && now >= action.decide_by)
        store.move(actionId, 'expire', 'clock', 'nobody decided in time');
      throw refused;
    }
    const vote = { id: ids.id('apr'), action_id: actionId, person_id: person.id, person_name: person.name };
    const rest = { channel: said.channel, strength: said.strength, reason: null, signature_json: null };
    store.saveVote({ ...vote, ...rest, verdict, digest, at: now } satisfies Vote);
    if (verdict === 'reject') {
      store.move(actionId, 'reject', 'person', null);
      return 'rejected';
    }
    const asked = { ...action, needed: action.approvals_needed, lock: null };
    if (!quorumOf(asked, store.votesOn(actionId)).met) return 'counted';
    store.move(actionId, 'approve', 'person', null, { start_by: now + limits.startWindowMs });
    void this.sweep('dispatch');
    return 'approved';
  }

  async act(what: 'withdraw' | 'stop' | 'close', actionId: string): Promise<void> {
    await this.#turn();
    const { store, fleet } = this.#at;
    const row = store.row(actionId);
    const sent = row.state === 'dispatched' || row.state === 'running';
    if (what === 'close') store.move(actionId, 'close', 'person', 'looked at the server');
    else if (what === 'withdraw' && !sent) store.move(actionId, 'withdraw', 'requester', null);
    else if (!sent) throw fault('nothing_to_stop', { action: actionId, state: row.state });
    else {
      store.set(actionId, { stop_requested_at: row.stop_requested_at ?? this.#now() });
      await fleet.stop(row.server_id, actionId);
    }
  }

  async pause(on: boolean): Promise<void> {
    await this.#turn();
    this.#at.store.pause(on);
  }

  async sweep(which: Sweep, serverId?: string): Promise<void> {
    await this.#turn();
    const { store, fleet } = this.#at;
    const now = this.#now();
    if (which === 'expire') for (const row of store.in(['awaiting_approval', 'approved'])) await this.#expire(row, now);
    if (which === 'dispatch' || which === 'resume')
      for (const { id } of store.in(['approved'])) await this.#dispatch(id);
    if (which === 'lose') for (const row of store.in(['dispatched', 'running'])) await this.#lose(row, now);
    if (which === 'resend' || which === 'resume')
      for (const row of store.in(['dispatched'])) if (fleet.isOnline(row.server_id)) await this.#sendGrant(row.id);
    if (which !== 'resume') return;
    for (const row of store.in(['unknown'], serverId))
      if (row.started_at === null && row.result_json === null && now >= (row.start_by ?? now))
        await this.#sendGrant(row.id);
    for (const row of store.in(['dispatched', 'running'], serverId))
      if (row.stop_requested_at !== null) await fleet.stop(row.server_id, row.id);
  }

  async record(serverId: string, report: Report): Promise<void> {
    await this.#turn();
    const { store } = this.#at;
    const { actionId } = report;
    const row = store.rows.get(actionId);
    if (row?.server_id !== serverId) throw fault('action_not_found', { action: actionId });
    if (report.kind === 'started') {
      if (row.started_at === null && row.state === 'dispatched')
        store.move(actionId, 'start', 'runner', null, { started_at: report.at });
    } else if (report.kind === 'finished') this.#finish(row, report.result);
    else if (report.fault.code !== 'grant_replayed' && (row.state === 'dispatched' || row.state === 'unknown'))
      store.move(actionId, 'refuse', 'runner', report.fault.code);
  }

  async open(): Promise<number> {
    return this.#at.store.in(['awaiting_approval', 'approved', 'dispatched', 'running']).length;
  }

  #finish(row: Row, result: ActionResult): void {
    const { store } = this.#at;
    const result_json = JSON.stringify(result);
    if (row.result_json === result_json) return;
    if (row.state === 'dispatched') store.move(row.id, 'start', 'runner', null, { started_at: result.startedAt });
    else if (row.state !== 'running' && row.state !== 'unknown') {
      if (row.result_json === null && row.dispatched_at !== null) store.set(row.id, { result_json });
      return;
    }
    const event = eventOf[result.outcome];
    if (row.state === 'unknown' && event === 'lose') store.set(row.id, { result_json });
    else store.move(row.id, event, event === 'lose' ? 'clock' : 'runner', result.summary, { result_json });
  }

  async #expire(row: Row, now: number): Promise<void> {
    if (now < (row.state === 'approved' ? (row.start_by ?? 0) : row.decide_by)) return;
    await this.#turn();
    this.#unlessOver(() => this.#at.store.move(row.id, 'expire', 'clock', 'its time is over'));
  }

  async #dispatch(actionId: string): Promise<void> {
    await this.#turn();
    const { store, policy, fleet } = this.#at;
    const row = store.row(actionId);
    if (row.state !== 'approved') return;
    const reachable = fleet.isOnline(row.server_id);
    const tampered = planTampered(row);
    const said = evaluate(policy().policy, this.#facts(JSON.parse(row.plan_json) as Plan));
    await this.#turn();
    const now = store.row(actionId);
    if (now.state !== 'approved') return;
    if (this.#now() >= (now.start_by ?? 0))
      return store.move(actionId, 'expire', 'clock', 'it could not start in time');
    if (store.paused) return;
    if (tampered || forbids(said, now, store.votesOn(actionId)))
      return store.move(actionId, 'revoke', 'policy', 'policy changed since');
    const others = store.in(['dispatched', 'running'], now.server_id);
    if (!reachable || others.some((other) => shareResource(other.resource, now.resource))) return;
    store.move(actionId, 'dispatch', 'system', null, { dispatched_at: this.#now() });
    await this.#sendGrant(actionId);
  }

  async #sendGrant(actionId: string): Promise<void> {
    await this.#turn();
    const { store, fleet } = this.#at;
    const row = store.row(actionId);
    const { dispatched_at, start_by } = row;
    if (store.paused || dispatched_at === null || start_by === null) return;
    await fleet.dispatch(
      row.server_id,
      grantOf({ ...row, dispatched_at, start_by }, store.votesOn(actionId), controlPlaneKey),
    );
  }

  async #lose(row: Row, now: number): Promise<void> {
    const patience = limits.loseAfterMs + (this.#at.fleet.isOnline(row.server_id) ? 10 * 60_000 : 0);
    if (now - Math.max(this.#startedAt, row.dispatched_at ?? 0) < patience) return;
    await this.#turn();
    this.#unlessOver(() => this.#at.store.move(row.id, 'lose', 'clock', 'no news of it'));
  }

  #unlessOver(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Fault && error.code === 'action_not_open')) throw error;
    }
  }

  #facts(plan: PlanDraft): PolicyFacts {
    const server = { name: plan.server.name, labels: {} };
    const capabilities = plan.steps.map(({ capability }) => capability);
    const asker = { person: { email: 'ana@example.org' }, token: null, client: null };
    return {
      server,
      playbook: null,
      capabilities,
      readingCommand: false,
      programs: [],
      risk: plan.risk,
      ...asker,
      at: this.#now(),
    };
  }

  #now(): number {
    return this.#at.clock.now();
  }

  async #turn(): Promise<void> {
    await this.#at.turn();
    await this.#at.process.pass('turn');
  }
}

const drafts = new Map<string, PlanDraft>();

/** The draft of a plan follows from these alone, and there are a dozen: each is made once for all stories. */
function draftOf(serverId: string, { risk, unit }: Pick<Ask, 'risk' | 'unit'>): PlanDraft {
  const name = `${serverId} ${risk} ${unit}`;
  const known = drafts.get(name);
  if (known) return known;
  const wanted = { kind: 'playbook', playbook: `test.${risk}`, parameters: { unit } } as const;
  const draft = deepFreeze(draftPlan(playbooks, { id: serverId, name: nameOf(serverId) }, wanted));
  drafts.set(name, draft);
  return draft;
}

/** Who changed a draft of all would change that of the next story. */
function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

function forbids(verdict: PolicyVerdict, row: Row, votes: readonly Vote[]): boolean {
  if (verdict.verdict === 'allow') return false;
  if (verdict.verdict === 'deny') return true;
  return !quorumOf({ ...row, needed: verdict.ask.approvals, lock: null }, votes).met;
}
