/** A real link with a real runner as its child, against a control plane played by the test. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { sha256 } from '@countersign/protocol/digest';
import { command, draftOf, linesOf, until } from '../run/bed.ts';
import { ControlPlane } from './control-plane.ts';
import { Agent, agentProgram, PING_MS } from './enrolled.ts';
import { grantFor, TIMEOUT_MS } from './grant-for.ts';

const commandDraft = (...argv: string[]) => draftOf([command('one', ...argv)], { risk: 'high' });

test('when a link connects, it introduces itself with facts and policy, sends a sample, and answers observations', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  const file = join(agent.folder, 'note.txt');
  writeFileSync(file, 'password=hunter2hunter2\n');
  agent.link();
  const peer = await controlPlane.welcomed();
  const [hello] = peer.all('hello');
  assert.equal(hello?.policy.mode, 'act');
  assert.equal(hello?.enrolmentToken, undefined);
  assert.equal(hello?.facts.cpus, Number(execFileSync('nproc', ['--all'], { encoding: 'utf8' })));
  assert.match(hello?.journalHead ?? '', /^[0-9a-f]{64}$/);
  assert.ok(hello?.capabilities.includes('file.read'));
  const { sample } = await peer.hears('heartbeat');
  assert.ok(sample.memoryUsedRatio > 0 && sample.uptimeS > 0);
  const here = await peer.ask({
    type: 'observe',
    capability: 'disk.free',
    parameters: { path: '/' },
    timeoutMs: TIMEOUT_MS,
  });
  assert.equal(here.type, 'observed', JSON.stringify(here));
  const read = await peer.ask({
    type: 'observe',
    capability: 'file.read',
    parameters: { path: file },
    timeoutMs: TIMEOUT_MS,
  });
  assert.equal(read.type, 'observed', JSON.stringify(read));
  assert.doesNotMatch(JSON.stringify(read), /hunter2/);
  const denied = await peer.ask({
    type: 'observe',
    capability: 'file.read',
    parameters: { path: agent.config.file },
    timeoutMs: TIMEOUT_MS,
  });
  assert.equal(denied.type === 'request_failed' && denied.fault.code, 'path_denied');
  const wrong = await peer.ask({
    type: 'observe',
    capability: 'file.read',
    parameters: { file: 'x' },
    timeoutMs: TIMEOUT_MS,
  });
  assert.equal(wrong.type === 'request_failed' && wrong.fault.code, 'invalid_input');
});

test('when a grant is dispatched, even twice, the command runs once and its start, output and result arrive', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link();
  const peer = await controlPlane.welcomed();
  const effects = join(agent.folder, 'effects');
  const grant = await grantFor(controlPlane, peer, commandDraft('sh', '-c', `echo ran >>${effects}; echo hello`));
  peer.send({ type: 'dispatch', grant });
  peer.send({ type: 'dispatch', grant });
  const finished = await peer.hears('finished');
  assert.equal(finished.result.outcome, 'succeeded', JSON.stringify(finished.result));
  peer.send({ type: 'dispatch', grant });
  await until(() => peer.all('finished').length === 2, 'the result again');
  assert.deepEqual(linesOf(effects), ['ran']);
  assert.equal(
    peer
      .all('output')
      .map(({ text }) => text)
      .join('')
      .includes('hello\n'),
    true,
  );
  const order = peer.heard.flatMap(({ type }) => (['started', 'output', 'finished'].includes(type) ? [type] : []));
  assert.deepEqual([...new Set(order)], ['started', 'output', 'finished']);
});

test('T11: when the connection breaks before the result is acknowledged, it comes again with the same number, also after a restart of the link', async () => {
  await using controlPlane = await ControlPlane.start();
  controlPlane.behaviour.acknowledges = false;
  await using agent = await Agent.enrolled(controlPlane);
  agent.link(10);
  const first = await controlPlane.welcomed(1);
  const grant = await grantFor(controlPlane, first, commandDraft('echo', 'hello'));
  first.send({ type: 'dispatch', grant });
  const sent = await first.hears('finished');
  first.cut();
  const second = await controlPlane.welcomed(2);
  assert.deepEqual(await second.hears('finished'), sent);
  assert.deepEqual(second.all('started'), first.all('started'));
  assert.deepEqual(second.all('output'), first.all('output'), 'output comes again with the same chunk numbers');
  await agent.unlink();
  agent.link();
  const third = await controlPlane.welcomed(3);
  assert.deepEqual(await third.hears('finished'), sent);
  // The runner tells again what it does not know to be stored: it is there before the acknowledgement, and has heard of it after.
  const runnerAnswers = async () =>
    assert.equal((await third.ask({ type: 'ask_witness', timeoutMs: TIMEOUT_MS })).type, 'witness');
  await runnerAnswers();
  // Where the end was told alone, the runner has told of the start only now.
  const newest = Math.max(sent.seq, ...third.all('started').map(({ seq }) => seq));
  third.send({ type: 'acknowledge', seq: newest });
  await runnerAnswers();
  await agent.unlink();
  agent.link();
  const fourth = await controlPlane.welcomed(4);
  await fourth.hears('heartbeat');
  assert.deepEqual(
    [...fourth.all('finished'), ...fourth.all('started'), ...fourth.all('output')],
    [],
    'what is stored is not sent again',
  );
});

test('F4: when the runner is killed in the middle of a step, the link wakes another one, and the outcome is unknown', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link();
  const peer = await controlPlane.welcomed();
  const pids = join(agent.folder, 'pids');
  const grant = await grantFor(controlPlane, peer, commandDraft('sh', '-c', `echo $PPID $$ >>${pids}; exec sleep 60`));
  peer.send({ type: 'dispatch', grant });
  const [runner = 0, step = 0] = await until(() => linesOf(pids)[0]?.split(' ').map(Number), 'the step');
  process.kill(runner, 'SIGKILL');
  process.kill(step, 'SIGKILL');
  const { result } = await peer.hears('finished');
  assert.equal(result.outcome, 'unknown');
  assert.equal(linesOf(pids).length, 1);
});

test('F19: when a stop is sent, the action ends as stopped within a second or so', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link();
  const peer = await controlPlane.welcomed();
  const grant = await grantFor(controlPlane, peer, commandDraft('sleep', '60'));
  peer.send({ type: 'dispatch', grant });
  await peer.hears('step');
  peer.send({ type: 'stop', actionId: grant.grant.actionId });
  assert.equal((await peer.hears('finished')).result.outcome, 'stopped');
});

test('T12: when the clocks differ by more than a minute, changes are refused and reading goes on', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  controlPlane.behaviour.clockAheadMs = -120_000;
  agent.link();
  const peer = await controlPlane.welcomed();
  const grant = await grantFor(controlPlane, peer, commandDraft('true'));
  peer.send({ type: 'dispatch', grant });
  assert.equal((await peer.hears('refused')).fault.code, 'clock_skew');
  const read = await peer.ask({
    type: 'observe',
    capability: 'disk.free',
    parameters: { path: '/' },
    timeoutMs: TIMEOUT_MS,
  });
  assert.equal(read.type, 'observed');
});

test('F7: when the other side falls silent, the link notices within 30 s and comes back', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link(20);
  const first = await controlPlane.welcomed(1);
  controlPlane.behaviour.answersPings = false;
  const before = agent.pings;
  await until(() => first.closed, 'the link to give up');
  assert.ok((agent.pings - before) * PING_MS <= 30_000, 'within 30 s on the clock of the link');
  controlPlane.behaviour.answersPings = true;
  await controlPlane.welcomed(2);
});

test('F16: when frames are malformed, unknown or too large, the link survives all of them and comes back', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link(20);
  let peer = await controlPlane.welcomed(1);
  peer.sendRaw('{"type":"from_the_future","x":1}');
  const requestId = 'req_000000000001';
  peer.sendRaw(JSON.stringify({ type: 'observe', requestId, capability: 'no.such', parameters: {}, timeoutMs: 1 }));
  await peer.hears('request_failed', (message) => message.requestId === requestId);
  peer.sendRaw(JSON.stringify({ type: 'dispatch', grant: { grant: { actionId: 'act_zzzzzzzzzzzz' } } }));
  assert.equal((await peer.hears('refused')).fault.code, 'grant_invalid');
  assert.equal(peer.closed, undefined);
  const bad: (string | Buffer)[] = [
    '',
    '{',
    'null',
    '[]',
    '{"type":"dispatch"}',
    '{"type":"welcome"}',
    Buffer.from([1, 2, 3]),
    'x'.repeat(1024 * 1024 + 1),
    '{"type":"acknowledge","seq":-1}',
  ];
  for (const [index, frame] of bad.entries()) {
    peer.sendRaw(frame);
    await until(() => peer.closed, `the link to hang up on frame ${index}`);
    peer = await controlPlane.welcomed(index + 2);
  }
});

test('when the control plane turns the link away, it keeps trying, slowly, and says why', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  controlPlane.behaviour.turnAway = {
    type: 'turned_away',
    fault: { code: 'server_revoked', slots: { server: 'web-1' } },
  };
  agent.link(100);
  await controlPlane.welcomed(2);
  const waiting = agent.states.find((state) => state.state === 'waiting');
  assert.equal(waiting?.code, 'server_revoked');
  assert.ok((waiting?.waitMs ?? 0) >= 60_000);
  await until(() => agent.states.at(-1)?.state === 'waiting', 'the second try to be over');
  // Neither keeps anything of itself for the end of the link: only the wait does.
  assert.equal(agent.stopListeners, 1);
});

test('when more requests come than the agent takes at once, those beyond are told that it is busy, and a cancelled one is not answered', async (t) => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  const asked = new Map<string, ServerResponse>();
  const site = createServer((request, response) => void asked.set(request.url ?? '', response)).listen(0, '127.0.0.1');
  t.after(() => {
    site.closeAllConnections();
    site.close();
  });
  await once(site, 'listening');
  const { port } = site.address() as AddressInfo;
  agent.link();
  const peer = await controlPlane.welcomed();
  const slow = (index: number) => `req_0000000001${String(index).padStart(2, '0')}`;
  for (let index = 0; index < 40; index += 1)
    peer.send({
      type: 'observe',
      requestId: slow(index),
      capability: 'http.probe',
      parameters: { url: `http://127.0.0.1:${port}/${index}` },
      timeoutMs: TIMEOUT_MS,
    });
  const first = await until(() => asked.get('/0'), 'the first to be under way');
  peer.send({ type: 'cancel', requestId: slow(0) });
  await until(() => first.destroyed, 'the first to be called off');
  const busy = () => peer.all('request_failed').filter(({ fault }) => fault.code === 'agent_busy').length;
  await until(() => busy() === 8 && asked.size === 32, 'all others to be under way or told that it is busy');
  for (const response of asked.values()) response.end();
  await until(() => peer.all('observed').length + peer.all('request_failed').length >= 39, 'all other answers');
  assert.equal(
    peer.heard.some((message) => 'requestId' in message && message.requestId === slow(0)),
    false,
  );
});

test('when the policy file changes, the link introduces itself again with the new policy', async () => {
  await using controlPlane = await ControlPlane.start();
  controlPlane.behaviour.heartbeatMs = 1000;
  await using agent = await Agent.enrolled(controlPlane);
  agent.link(10);
  await controlPlane.welcomed(1);
  writeFileSync(agent.config.policyFile, 'mode: observe\n');
  const second = await controlPlane.welcomed(2);
  assert.equal(second.all('hello')[0]?.policy.mode, 'observe');
  const refused = await second.ask({ type: 'preview', draft: commandDraft('true'), timeoutMs: TIMEOUT_MS });
  assert.equal(refused.type === 'request_failed' && refused.fault.code, 'server_observe_only');
});

test('when the runner cannot be asked at first, the link says that nothing may be changed, and corrects that when it can', async () => {
  await using controlPlane = await ControlPlane.start();
  controlPlane.behaviour.heartbeatMs = 1000;
  await using agent = await Agent.enrolled(controlPlane);
  const ready = join(agent.folder, 'ready');
  agent.link(10, ['sh', '-c', '[ -e "$0" ] || exit 1; exec "$@"', ready, ...agentProgram]);
  const first = await controlPlane.welcomed(1);
  assert.equal(first.all('hello')[0]?.policy.mode, 'observe');
  writeFileSync(ready, '');
  const second = await controlPlane.welcomed(2);
  assert.equal(second.all('hello')[0]?.policy.mode, 'act');
});

test('T1: when a control plane asks for absurdly many signs of life, or for none in a lifetime, a server keeps to bounds', async () => {
  await using controlPlane = await ControlPlane.start();
  for (const heartbeatMs of [1, Number.MAX_SAFE_INTEGER]) {
    controlPlane.behaviour.heartbeatMs = heartbeatMs;
    await using agent = await Agent.enrolled(controlPlane);
    const before = controlPlane.peers.length;
    const began = performance.now();
    agent.link();
    const peer = await until(
      () => controlPlane.peers.slice(before).find((it) => it.all('hello').length > 0),
      'a hello',
    );
    await peer.hears('heartbeat');
    const answer = await peer.ask({
      type: 'observe',
      capability: 'disk.free',
      parameters: { path: '/' },
      timeoutMs: TIMEOUT_MS,
    });
    assert.equal(answer?.type, 'observed');
    const most = 1 + Math.ceil((performance.now() - began) / 1000);
    assert.ok(peer.all('heartbeat').length <= most, `${peer.all('heartbeat').length} with ${heartbeatMs} ms`);
  }
});

test('F7: when output is large and the connection breaks in the middle of it, no chunk is missing and none is doubled', async () => {
  await using controlPlane = await ControlPlane.start();
  await using agent = await Agent.enrolled(controlPlane);
  agent.link(10);
  const first = await controlPlane.welcomed(1);
  const goOn = join(agent.folder, 'go-on');
  // It ends with its folder too.
  const waits = `while [ -d ${agent.folder} ] && [ ! -e ${goOn} ]; do sleep 0.05; done`;
  const script = `i=0; while [ $i -lt 4000 ]; do echo "line $i 0123456789012345678901234567890123456789"; i=$((i+1)); done; ${waits}; seq 1 2000`;
  const grant = await grantFor(controlPlane, first, commandDraft('sh', '-c', script));
  first.send({ type: 'dispatch', grant });
  await first.hears('output');
  first.cut();
  const second = await controlPlane.welcomed(2);
  writeFileSync(goOn, '');
  await second.hears('finished');
  const chunks = new Map<number, string>();
  for (const { chunk, text } of [...first.all('output'), ...second.all('output')]) {
    assert.equal(chunks.get(chunk) ?? text, text, 'a chunk that comes again says the same');
    chunks.set(chunk, text);
  }
  assert.deepEqual(
    [...chunks.keys()].sort((a, b) => a - b),
    [...chunks.keys()].map((_, index) => index),
  );
  const text = [...chunks]
    .sort(([a], [b]) => a - b)
    .map(([, part]) => part)
    .join('');
  const expected = execFileSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.equal(sha256(text), sha256(expected));
  assert.ok(readFileSync(join(agent.config.stateDir, 'outbox.ndjson'), 'utf8').length > 0);
});
