/** What an attacker who took a control plane over finds there, and what the people of a locked server had signed until then. */
import assert from 'node:assert/strict';
import { type Approval, isFinal, type LockState, type Plan, type PlanDraft } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { Call } from '@countersign/protocol/operator-api/index';
import { systemIds } from '@countersign/protocol/system-ids';
import {
  type Approver,
  approver,
  lockOf,
  type PasskeyHolder,
  passkeyHolder,
} from '../../../protocol/test/approvers.ts';
import type { Host } from '../../hosts/host.ts';
import { eventually } from '../../world/eventually.ts';
import type { HostileControlPlane, StolenAction } from '../../world/hostile-control-plane.ts';
import { installAgent, serverOnline } from '../../world/install-agent.ts';
import type { World } from '../../world/world.ts';
import { healSite, MEND, SITE_FILE } from '../broken-site.ts';

export const SERVER_NAME = 'prey';

/** The people of a locked server, with all their keys. Two holders sign for anything above low risk. */
export interface People {
  readonly ada: Approver;
  /** Another key of the same holder. */
  readonly adaPhone: PasskeyHolder;
  readonly grace: PasskeyHolder;
  readonly lock: LockState;
  readonly recovery: string;
  /** Grace at the control plane, once she has joined. */
  graceCalls(): Call;
  joined(call: Call): void;
}

export function makePeople(): People {
  const [ada, adaPhone, grace] = [approver('Ada'), passkeyHolder('Ada'), passkeyHolder('Grace', 'RS256')];
  const recovery = systemIds.secret('clr_');
  const given = { chain: systemIds.id('lck'), recovery: sha256(recovery) };
  let calls: Call | undefined;
  return {
    ada,
    adaPhone,
    grace,
    recovery,
    graceCalls: () => {
      assert.ok(calls, 'Grace has not joined yet');
      return calls;
    },
    joined: (call) => {
      calls = call;
    },
    lock: lockOf([ada, adaPhone, grace], { medium: 2, high: 2, critical: 2, change: 2 }, given),
  };
}

/**
 * Locks a server whose own policy opens everything else, so that the lock is all that stands in the way. Resolves with its id.
 */
export async function lockedServer(world: World, host: Host, { lock }: People): Promise<string> {
  await world.owner('initLock', { state: lock, proof: { kind: 'password', password: world.password } });
  await host.writeFile('/root/lock.json', JSON.stringify(lock));
  const server = await installAgent(world, host, SERVER_NAME, '--lock-keys /root/lock.json');
  await host.exec([
    'sh',
    '-c',
    `sed -i 's/^max_risk: .*/max_risk: critical/; s/^commands: .*/commands: true/' /etc/countersign/policy.yaml
     printf 'write_roots: [/etc, /srv, /root, /var/www]\\nlockout: [ssh, firewall, network]\\n' >>/etc/countersign/policy.yaml
     printf 'DB_PASSWORD=hunter2-and-more-9f3k\\nplain=word\\n' >/etc/app.env
     systemctl restart countersign-link`,
  ]);
  await serverOnline(world, server);
  await eventually('its policy to be known', async () => {
    const { policy } = await world.owner('getServerStatus', { server });
    return policy?.commands === true;
  });
  return server;
}

/** What is in the database and on the wire when it is stolen. */
export interface Spoils {
  /** Signed by two holders, and carried out. */
  readonly done: StolenAction;
  /** Signed by one holder of two. */
  readonly half: StolenAction;
  /** Signed by two holders, and not handed on yet. */
  readonly whole: StolenAction;
}

/** Has people ask, sign and wait, so that there is something to steal. Returns the ids of the three actions. */
export async function leaveSpoils(world: World, host: Host, people: People): Promise<Record<keyof Spoils, string>> {
  const { ada, grace } = people;
  const second = await secondPerson(world);
  people.joined(second);
  const sign = async (action: string, call: Call, by: Approver) => {
    const { digest } = await world.owner('getAction', { action });
    await call('approveAction', { action, digest, typed_server: SERVER_NAME, signature: by.sign(digest) });
  };
  const ask = async (playbook: string, parameters: Record<string, unknown>) => {
    const asked = await world.as(await world.token())('runPlaybook', {
      server: SERVER_NAME,
      playbook,
      parameters,
    } as never);
    assert.ok(asked.action, JSON.stringify(asked));
    return asked.action.id;
  };
  await healSite(host);
  const done = await ask('service.restart', { unit: 'nginx', watch: '1s' });
  await sign(done, world.owner, ada);
  await sign(done, second, grace);
  const ended = await eventually('the honest action to end', async () => {
    const now = await world.owner('getAction', { action: done });
    return isFinal(now.state) ? now : undefined;
  });
  assert.equal(ended.state, 'succeeded', JSON.stringify(ended.error ?? ended.result));
  const half = await ask('service.restart', { unit: 'cron', watch: '1s' });
  await sign(half, world.owner, ada);
  await world.owner('pauseDispatch', { reason: 'something is strange' });
  const whole = await ask(MEND.playbook, { ...MEND.parameters, path: SITE_FILE, value: '11m' });
  await sign(whole, world.owner, ada);
  await sign(whole, second, grace);
  assert.equal((await world.owner('getAction', { action: whole })).state, 'approved');
  return { done, half, whole };
}

async function secondPerson(world: World): Promise<Call> {
  const { link } = await world.owner('invitePerson', { email: 'grace@example.org', name: 'Grace', role: 'approver' });
  const invitation = { secret: link.split('#')[1] ?? '', password: 'the password of Grace 1', cli: true };
  const { session } = await world.as('')('acceptInvitation', invitation);
  return world.as(session ?? '');
}

/** The three actions, out of the stolen database. */
export function spoilsOf(plane: HostileControlPlane, ids: Record<keyof Spoils, string>): Spoils {
  const actions = plane.actions();
  const of = (id: string) => {
    const found = actions.find(({ plan }) => plan.request.action === id);
    assert.ok(found, `${id} is not in the stolen database`);
    return found;
  };
  return { done: of(ids.done), half: of(ids.half), whole: of(ids.whole) };
}

/** An approval that claims the most that can be claimed. */
export function approvalOf(digest: string, given: Partial<Approval> = {}): Approval {
  const person = { id: systemIds.id('prs'), name: 'Ada' };
  return { id: systemIds.id('apr'), person, channel: 'web', strength: 'passkey', digest, at: Date.now(), ...given };
}

/** Approvals with the signatures of these holders over a digest. */
export const signedBy = (digest: string, ...by: readonly Approver[]): Approval[] =>
  by.map((it) => approvalOf(digest, { signature: it.sign(digest) }));

/** The same plan for another request, as if it had just been asked for. */
export function askedAnew(plan: Plan, validForMs = 600_000): Plan {
  return { ...plan, request: { action: systemIds.id('act'), valid_until: Date.now() + validForMs } };
}

type Steps = readonly Pick<Plan['steps'][number], 'capability' | 'parameters'>[];

/** A draft with these steps for the server under attack. */
export function draftOf(plane: HostileControlPlane, steps: Steps, given: Partial<PlanDraft> = {}): PlanDraft {
  return {
    format: 'countersign-plan/2',
    server: plane.server,
    source: { kind: 'command' },
    title: 'Restart nginx.service',
    risk: 'low',
    reversible: true,
    parameters: {},
    preconditions: [],
    steps: steps.map((step, index) => ({ ...step, id: `s${index}`, timeout_ms: 20_000 })),
    check: { probes: [], settle_ms: 0, stable_ms: 0 },
    undo: [],
    confirm: null,
    ...given,
  };
}

/** A plan with these steps that the server itself previewed. */
export async function planOf(plane: HostileControlPlane, steps: Steps, given: Partial<PlanDraft> = {}): Promise<Plan> {
  const draft = draftOf(plane, steps, given);
  return askedAnew({
    ...draft,
    preview: await plane.preview(draft),
    request: { action: systemIds.id('act'), valid_until: 0 },
  });
}

/** A command that leaves a mark where the effects are watched. */
export const marking = (mark: string): Steps[number] => ({
  capability: 'command.run',
  parameters: { argv: ['touch', `/var/tmp/hostile-mark-${mark}`], timeout_s: 10 },
});
