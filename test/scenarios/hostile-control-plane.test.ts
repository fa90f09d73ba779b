/**
 * T1 whole: a control plane in the hands of somebody who holds every key of it, against a real server with a real agent. On the
 * locked server nothing runs that its holders did not sign, whatever is sent; told by what the host itself shows. On the same
 * server unlocked, the first of these attempts succeeds: that is what “trusts the control plane” means.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { writeNote } from '@countersign/protocol/checkpoint-note';
import { confirmationDigest } from '@countersign/protocol/confirmation';
import { digestOf, sha256 } from '@countersign/protocol/digest';
import { stateDigest } from '@countersign/protocol/follow-lock';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { type Behaviour, honest } from '../world/hostile-control-plane.ts';
import { serverOnline } from '../world/install-agent.ts';
import { SITE_FILE } from './broken-site.ts';
import { grantAttempts } from './hostile/grant-attempts.ts';
import { lockAttempts } from './hostile/lock-attempts.ts';
import { readingAttempts } from './hostile/reading-attempts.ts';
import { assertRefused, Siege } from './hostile/siege.ts';
import { approvalOf, askedAnew, makePeople, marking, planOf, signedBy } from './hostile/spoils.ts';
import { unlockedAttempts } from './hostile/unlocked-attempts.ts';
import { bentFrames, endingFrames, quietFrames } from './hostile/wire-attempts.ts';

const seed = Number(process.env.COUNTERSIGN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
let siege: Siege;

before(async () => {
  if (whyNoHosts()) return;
  siege = await Siege.begin();
});

after(() => siege?.[Symbol.asyncDispose]());

hostTest(
  'T1 T3 T8 T10: when grants come with the real key of the control plane and without what holders signed, each is refused',
  async () => {
    const { plane } = siege;
    const before = await siege.journal();
    const attempts = await grantAttempts(siege);
    assert.ok(attempts.length >= 100, `${attempts.length} attempts`);
    for (const attempt of attempts) assertRefused(attempt, await plane.dispatch(attempt.grant));
    await siege.nothingRan();
    const { kinds } = await siege.journal();
    const { started, step_intent, step_result, result } = before.kinds;
    assert.deepEqual(
      { started: kinds.started, step_intent: kinds.step_intent, step_result: kinds.step_result, result: kinds.result },
      { started, step_intent, step_result, result },
    );
  },
);

hostTest(
  'T1 T3: when a control plane makes grants without end, the journal of a locked server does not grow',
  async () => {
    const { plane } = siege;
    const before = await siege.journal();
    const plan = await planOf(plane, [marking('flood')]);
    for (let n = 0; n < 200; n += 1) {
      const anew = askedAnew(plan);
      (await plane.agent()).send({ type: 'dispatch', grant: plane.grant(anew, [approvalOf(digestOf(anew))]) });
    }
    assertRefused({ name: 'the last', code: 'approvals_insufficient' }, await plane.dispatch(plane.grant(plan, [])));
    assert.equal((await siege.journal()).lines, before.lines);
    await siege.nothingRan();
  },
);

hostTest('T1 T25: when changes of the lock come that no holder signed, the server follows none of them', async () => {
  const { plane } = siege;
  const present = plane.lock();
  for (const { name, changes } of lockAttempts(siege.people, present, siege.followed)) {
    const agent = await plane.agent();
    const from = agent.heard.length;
    agent.sendRaw(JSON.stringify({ type: 'lock_changes', changes }));
    const told = await eventually(`an answer to: ${name}`, () =>
      agent.heard.slice(from).find((it): it is Extract<FromAgent, { type: 'policy' }> => it.type === 'policy'),
    );
    assert.ok(told.policy.lock, name);
    assert.equal(stateDigest(told.policy.lock), stateDigest(present), name);
  }
  await siege.nothingRan();
});

hostTest(
  'T1 T14 T15 T16: when reading and previewing are abused, they change nothing and give away no secret',
  async () => {
    const { plane } = siege;
    for (const { name, request, code, hides = [] } of readingAttempts(plane)) {
      const answer = await plane.ask(request);
      if (code === null)
        assert.ok(answer.type === 'observed' || answer.type === 'previewed', `${name}: ${JSON.stringify(answer)}`);
      else {
        assert.ok(answer.type === 'request_failed', `${name}: ${JSON.stringify(answer).slice(0, 500)}`);
        assert.equal(answer.fault.code, code, `${name}: ${JSON.stringify(answer.fault)}`);
      }
      for (const secret of hides) assert.ok(!JSON.stringify(answer).includes(secret), `${name} gives away ${secret}`);
    }
    await siege.nothingRan();
  },
);

hostTest(
  'T1 F16: when frames come that no control plane sends, the link answers or ends the talk, and comes back',
  async () => {
    const { plane } = siege;
    const agent = await plane.agent();
    for (const frame of Object.values(quietFrames(siege.people, siege.spoils))) agent.sendRaw(JSON.stringify(frame));
    // More questions at once than any server answers: what is too many is refused.
    const question = { type: 'observe', capability: 'unit.state', parameters: { unit: 'cron' }, timeoutMs: 20_000 };
    const answers = await Promise.all(Array.from({ length: 500 }, () => plane.ask(question)));
    assert.ok(answers.some((it) => it.type === 'request_failed' && it.fault.code === 'agent_busy'));
    assert.ok(answers.some((it) => it.type === 'observed'));
    const frames = bentFrames(plane, siege.spoils, { seed, each: 100 });
    assert.ok(frames.length >= 1000, `${frames.length} frames`);
    for (const frame of frames) agent.sendRaw(frame);
    const answered = await plane.ask({
      type: 'observe',
      capability: 'disk.free',
      parameters: { path: '/' },
      timeoutMs: 20_000,
    });
    assert.ok(['observed', 'request_failed'].includes(answered.type));
    assert.equal(agent.closed, undefined, `COUNTERSIGN_TEST_SEED=${seed}`);
    for (const [name, frame] of Object.entries(endingFrames())) {
      const peer = await plane.agent();
      peer.sendRaw(frame);
      await eventually(`the end of the talk after ${name}`, () => peer.closed !== undefined);
      await siege.reconnected();
    }
    await plane.agent();
    await siege.nothingRan();
  },
);

hostTest(
  'T1 T2 T12: when the handshake is bent, the server tells nothing, refuses changes, and comes back',
  async () => {
    const { plane, server } = siege;
    const { ada, grace } = siege.people;
    const mallory = makeSigningKey();
    const bends: Record<string, Partial<Behaviour>> = {
      'another key': {
        bendChallenge: (it) => ({
          ...it,
          key: mallory.publicKey,
          signature: signValue('control-plane-hello', {}, mallory.seed),
        }),
      },
      'no proof': { bendChallenge: (it) => ({ ...it, signature: 'A'.repeat(86) }) },
      'a level of tomorrow': { bendChallenge: (it) => ({ ...it, level: it.level + 1 }) },
      'an older level': { bendChallenge: (it) => ({ ...it, level: 1 }) },
      'a welcome at once': {
        bendChallenge: () => ({
          ...{ type: 'welcome', serverId: server, serverName: 'x', clock: 0, heartbeatMs: 1 },
          thresholds: {} as never,
        }),
      },
    };
    for (const [name, bend] of Object.entries(bends)) {
      Object.assign(plane.behaviour, honest(), bend);
      await siege.reconnected();
      const peer = plane.peers.at(-1);
      await eventually(`the agent to go: ${name}`, () => peer?.closed !== undefined);
      assert.deepEqual(peer?.all('hello'), [], `${name}: the agent told who it is`);
    }
    for (const clockAheadMs of [-86_400_000, 86_400_000, 120_000]) {
      Object.assign(plane.behaviour, honest(), { clockAheadMs });
      await siege.reconnected();
      const plan = askedAnew(await planOf(plane, [marking('clock')]));
      const told = await plane.dispatch(plane.grant(plan, signedBy(digestOf(plan), ada, grace)));
      assertRefused({ name: `a clock off by ${clockAheadMs}`, code: 'clock_skew' }, told);
    }
    for (const code of ['server_revoked', 'agent_unproven', 'internal', 'no_such_code']) {
      Object.assign(plane.behaviour, honest(), {
        bendWelcome: () => ({ type: 'turned_away', fault: { code, slots: {} } }),
      });
      await siege.reconnected();
      const peer = plane.peers.at(-1);
      await eventually(`the agent to go: ${code}`, () => peer?.closed !== undefined);
    }
    Object.assign(plane.behaviour, honest(), {
      bendWelcome: (it: object) => ({
        ...it,
        serverId: 'srv_zzzzzzzzzzzz',
        serverName: 'somebody-else',
        heartbeatMs: 1,
      }),
    });
    await siege.reconnected();
    const other = askedAnew({
      ...(await planOf(plane, [marking('renamed')])),
      server: { id: 'srv_zzzzzzzzzzzz', name: 'somebody-else' },
    });
    const told = await plane.dispatch(plane.grant(other, signedBy(digestOf(other), ada, grace)));
    assertRefused(
      {
        name: 'another server since the welcome',
        code: 'grant_invalid',
        reason: /another server/,
      },
      told,
    );
    Object.assign(plane.behaviour, honest());
    await siege.reconnected();
    await plane.agent();
    const hellos = plane.peers.flatMap((peer) => peer.all('hello'));
    assert.ok(hellos.every((hello) => hello.enrolmentToken === undefined && hello.serverId === server));
    assert.deepEqual(plane.requests, [], 'the agent fetches nothing: no package, no script');
    await siege.nothingRan();
  },
);

hostTest('T1: when holders did sign, the same hostile control plane can hand it on, and it runs once', async () => {
  const { host, plane } = siege;
  const { plan, approvals } = siege.spoils.whole;
  const told = await plane.dispatch(plane.grant(plan, approvals));
  assert.equal(told.type, 'started', JSON.stringify(told));
  const agent = await plane.agent();
  const action = plan.request.action;
  const finished = await eventually('its end', () => agent.all('finished').find((it) => it.actionId === action));
  assert.equal(finished.result.outcome, 'succeeded', JSON.stringify(finished));
  assert.match(await host.readFile(SITE_FILE), /client_max_body_size 11m/);
  await assert.rejects(siege.nothingRan(), 'the watch sees what runs');
  assert.match((await siege.effects()).steps, new RegExp(action));
  await siege.nowUntouched();
  assert.equal((await plane.dispatch(plane.grant(plan, approvals))).type, 'started', 'told again');
  await siege.nothingRan();
});

hostTest(
  'T1: when the control plane confirms in the place of people, the server takes the change back all the same',
  async () => {
    const { plane } = siege;
    const { ada, grace } = siege.people;
    const rules =
      'flush ruleset\ntable inet hostile { chain input { type filter hook input priority 0; policy accept; }; }\n';
    const before = (await siege.effects()).firewall;
    const confirm = { within_ms: 15_000, because: 'it replaces the rules of the firewall' };
    const plan = await planOf(plane, [{ capability: 'firewall.apply', parameters: { ruleset: rules } }], {
      confirm,
      risk: 'critical',
    });
    await siege.reconnected(); // so that the break which the change brings is the first one
    assert.equal((await plane.dispatch(plane.grant(plan, signedBy(digestOf(plan), ada, grace)))).type, 'started');
    const action = plan.request.action;
    const asks = await eventually('the server to ask for a confirmation', () =>
      plane.peers.find(
        (peer) =>
          peer.closed === undefined &&
          peer.all('step').some((it) => it.actionId === action && it.phase === 'confirming'),
      ),
    );
    const digest = confirmationDigest(action, digestOf(plan));
    const stranger = makePeople();
    for (const signatures of [
      [],
      [ada.sign(digestOf(plan)), grace.sign(digestOf(plan))],
      [ada.sign(digest)],
      [stranger.ada.sign(digest), stranger.grace.sign(digest)],
    ])
      asks.send({ type: 'confirm', actionId: action, signatures });
    // Frames are taken in their order: what is answered now came behind them, and the change stands still.
    await plane.ask({ type: 'observe', capability: 'unit.state', parameters: { unit: 'cron' }, timeoutMs: 20_000 });
    // Nothing else is looked at: a look at all of the server may take longer than the change stands.
    assert.match((await siege.host.exec(['nft', 'list', 'ruleset'])).stdout, /hostile/);
    const finished = await eventually('it to be taken back', () =>
      plane.peers.flatMap((peer) => peer.all('finished')).find((it) => it.actionId === action),
    );
    assert.deepEqual(
      [finished.result.outcome, finished.result.undo.state],
      ['failed', 'done'],
      JSON.stringify(finished),
    );
    assert.equal((await siege.effects()).firewall, before);
    await siege.nowUntouched();
  },
);

hostTest(
  'T1 T22: when the audit log is forked or invented, the server keeps what it saw, and says so to whoever asks',
  async () => {
    const { plane } = siege;
    const before = plane.ledgerHead();
    const checkpoint = (size: number, head: string, key = plane.key) => writeNote({ size, head, at: Date.now() }, key);
    const answers = async (note: string) => {
      const agent = await plane.agent();
      const from = agent.heard.length;
      agent.send({ type: 'checkpoint', note });
      return eventually('an answer to a checkpoint', () =>
        agent.heard.slice(from).find((it) => it.type === 'checkpoint_refused' || it.type === 'countersigned'),
      );
    };
    assert.equal((await answers(checkpoint(before.size, before.head))).type, 'countersigned', 'the real log');
    for (const size of [before.size, before.size - 1, 1]) {
      const said = await answers(checkpoint(size, sha256('another history')));
      assert.ok(said.type === 'checkpoint_refused', JSON.stringify(said));
      assert.equal(said.fault.code, 'checkpoint_contradicts');
    }
    (await plane.agent()).send({
      type: 'checkpoint',
      note: checkpoint(before.size + 1, sha256('by another key'), makeSigningKey()),
    });
    // What nobody can contradict yet is kept: from here on it testifies against who made it up.
    const invented = await answers(checkpoint(before.size + 1000, sha256('an invented history')));
    assert.equal(invented.type, 'countersigned');
    const answer = await plane.ask({ type: 'ask_witness', timeoutMs: 10_000 });
    assert.ok(answer.type === 'witness');
    const kept = answer.witness.witness.checkpoints;
    assert.ok(kept.some(({ size, head }) => size === before.size && head === before.head));
    assert.deepEqual([kept.at(-1)?.size, kept.at(-1)?.head], [before.size + 1000, sha256('an invented history')]);
    await siege.nothingRan();
  },
);

hostTest(
  'T1 T22: when the real control plane comes back, it finds out what was invented, and after an owner accepts that, it works again',
  async () => {
    const { world, host } = siege;
    await siege.giveBack();
    // Else it waits for up to a minute before it dials again.
    await host.exec(['systemctl', 'restart', 'countersign-link']);
    await serverOnline(world, siege.server);
    const { trust } = await eventually('the contradiction to be seen', async () => {
      const status = await world.owner('getServerStatus', { server: siege.server });
      return /remembers audit entries that this database does not have/.test(status.trust) && status;
    });
    assert.match(trust, /only with signatures of its approvers/);
    await world.owner('resumeDispatch', { proof: { kind: 'password', password: world.password } });
    const token = await world.token();
    const ask = () =>
      world.as(token)('runPlaybook', {
        server: siege.server,
        playbook: 'service.restart',
        parameters: { unit: 'cron', watch: '1s' },
      });
    await assert.rejects(ask(), { code: 'ledger_rolled_back' });
    const proof = { kind: 'password', password: world.password } as const;
    await world.owner('acceptRollback', { reason: 'an attacker made it up', proof });
    const before = await mainPid(host, 'cron');
    const { action } = await ask();
    assert.ok(action);
    const { digest } = await world.owner('getAction', { action: action.id });
    for (const [call, by] of [
      [world.owner, siege.people.ada],
      [siege.people.graceCalls(), siege.people.grace],
    ] as const)
      await call('approveAction', { action: action.id, digest, signature: by.sign(digest) });
    const ended = await eventually('it to end', async () => {
      const now = await world.owner('getAction', { action: action.id });
      return isFinal(now.state) ? now : undefined;
    });
    assert.equal(ended.state, 'succeeded', JSON.stringify(ended.error ?? ended.result));
    assert.notEqual(await mainPid(host, 'cron'), before);
  },
);

const mainPid = async (host: Host, unit: string) =>
  (await host.exec(['systemctl', 'show', '-p', 'MainPID', '--value', unit])).stdout.trim();

hostTest(
  'T1: when the same server is unlocked, its control plane can run what its policy allows, and nothing beyond',
  async () => {
    const { host, world } = siege;
    const policy = await host.readFile('/etc/countersign/policy.yaml');
    await host.writeFile(
      '/etc/countersign/policy.yaml',
      policy.replace(/^lock:\n(?: .*\n)+/m, 'approvals: { at_least: 1, channels: [web], strength: passkey }\n'),
    );
    await host.exec(['systemctl', 'restart', 'countersign-link']);
    await eventually('the page of the server to say so', async () =>
      /trusts the control plane: whoever controls it can run/.test(
        (await world.owner('getServerStatus', { server: siege.server })).trust,
      ),
    );
    await siege.takeOver();
    const { plane } = siege;
    for (const attempt of await unlockedAttempts(plane)) {
      const told = await plane.dispatch(attempt.grant);
      if (attempt.code !== 'runs') {
        assertRefused(attempt, told);
        continue;
      }
      assert.notEqual(told.type, 'refused', `${attempt.name}: ${JSON.stringify(told)}`);
      await host.waitFor(['test', '-e', attempt.effect ?? ''], { what: attempt.name });
    }
  },
);
