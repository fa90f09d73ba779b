import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readNote } from '@countersign/protocol/checkpoint-note';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import Sqlite from 'better-sqlite3';
import type { SimulatedAgent } from '../../../test/load/simulated-agent.ts';
import { checkpoint } from '../../src/audit/checkpoint.ts';
import { appendEntry, whoIs } from '../../src/audit/ledger.ts';
import { renewEnrolment } from '../../src/fleet/renew-enrolment.ts';
import { backUpDatabase } from '../../src/storage/database-backup.ts';
import { write } from '../../src/storage/write.ts';
import { tempFolder } from '../storage/temp-database.ts';
import { audited, nobodyDead, until } from './fleet-world.ts';
import { manualClock } from './manual-clock.ts';
import { operationsWorld, proof, wrongProof } from './operations-world.ts';

type World = Awaited<ReturnType<typeof operationsWorld>>;

/** A world whose time stands still until `turn` moves it on by a second. */
async function witnessWorld(more: Parameters<typeof operationsWorld>[0] = {}) {
  const clock = manualClock();
  const world = await operationsWorld({ clock, limits: nobodyDead, ...more });
  return Object.assign(world, { turn: () => clock.advance(1000), clock });
}

/** Writes entries into the log and gives the servers a checkpoint over them. */
async function grow(world: World, entries = 1) {
  for (let n = 0; n < entries; n += 1)
    await write(world.db, (trx) =>
      appendEntry(trx, { event: 'control_plane.stopped', at: world.core.clock.now(), who: whoIs('system') }),
    );
  const made = await checkpoint({ db: world.db, clock: world.core.clock, key: world.key });
  assert.ok(made);
  world.fleet.checkpointMade(made);
  return made;
}

/** Lets a server have the newest checkpoint, and waits until its word is stored. */
async function witnessed(world: World & { turn: () => Promise<void> }, agent: SimulatedAgent, size: number) {
  await world.turn();
  await until(`the server keeps ${size} entries`, () => agent.trust.newest?.size === size);
  await until('its word is stored', async () => {
    await world.turn();
    return (await detail(world)).witness?.size === size;
  });
}

const detail = (world: World) => world.call('getServerStatus', { server: 'web-1' });
const alertsOf = async (world: World, kind: string) =>
  (await world.db.selectFrom('alert').selectAll().where('kind', '=', kind).execute()).map(({ state }) => state);
const checkpointsIn = (world: World, agent: SimulatedAgent) =>
  agent.received.flatMap((it) =>
    it.type === 'checkpoint' ? (readNote(it.note, world.key.publicKey)?.size ?? []) : [],
  );

test('T22: when a checkpoint is made, each connected server gets it, countersigns it, and its page says so', async () => {
  await using world = await witnessWorld();
  const { agent } = await world.enrolled('web-1');
  assert.equal((await detail(world)).witness, null);
  const { size } = await grow(world, 3);
  await witnessed(world, agent, size);
  assert.equal((await detail(world)).witness?.agrees, true);
  const row = await world.db.selectFrom('server').selectAll().executeTakeFirstOrThrow();
  const { head, at, signature, key } = JSON.parse(row.witness_json ?? '{}');
  assert.equal(key, agent.trust.key?.publicKey);
  assert.equal(signature, signValue('witness', { serverId: row.id, size, head, at }, agent.trust.key?.seed ?? ''));
});

test('when a server connects, it gets the newest checkpoint only, and once', async () => {
  await using world = await witnessWorld();
  await grow(world);
  await grow(world);
  const { size } = await grow(world);
  const { agent } = await world.enrolled('web-1');
  await witnessed(world, agent, size);
  world.fleet.checkpointMade({ size, note: 'the same again' });
  await world.turn();
  assert.deepEqual(checkpointsIn(world, agent), [size]);
});

test('when a server comes back that countersigned the newest checkpoint, it is not asked again; with another memory it is', async () => {
  await using world = await witnessWorld();
  const { agent } = await world.enrolled('web-1');
  const { size } = await grow(world);
  await witnessed(world, agent, size);
  await agent.close();
  await agent.connect();
  for (let turns = 0; turns < 3; turns += 1) await world.turn();
  assert.deepEqual(checkpointsIn(world, agent), [size]);
  await agent.close();
  agent.trust.kept.splice(0);
  await agent.connect();
  await until('it gets what it lost', async () => {
    await world.turn();
    return checkpointsIn(world, agent).length === 2;
  });
});

test('T22: when a countersignature is of another key or about another server, it does not count', async () => {
  await using world = await witnessWorld();
  const { id, agent } = await world.enrolled('web-1');
  const { size, head, at } = await checkpoint({ ...world.core, key: world.key }).then((it) => it ?? assert.fail());
  const told = { size, head, at };
  const seed = agent.trust.key?.seed ?? '';
  const other = { serverId: 'srv_000000000000', ...told };
  const wrong = [
    { serverId: id, ...told, signature: signValue('witness', { serverId: id, ...told }, makeSigningKey().seed) },
    { ...other, signature: signValue('witness', other, seed) },
    { serverId: id, ...told, signature: signValue('grant', { serverId: id, ...told }, seed) },
  ];
  for (const statement of wrong) {
    agent.send({ type: 'countersigned', ...statement });
    await world.fleet.registry.observe(id, 'overview', {});
    await world.turn();
  }
  await until('all three were looked at', async () => {
    await world.turn();
    return world.logged.filter(({ event }) => event === 'witness.signature_wrong').length === wrong.length;
  });
  assert.equal((await detail(world)).witness, null);
});

test('T22: when a server shows another witness key than before, that is an alarm, and its old key stays pinned', async () => {
  await using world = await witnessWorld();
  const { id, agent } = await world.enrolled('web-1');
  await agent.close();
  const other = world.agent({ key: agent.key, serverId: id, witnessKey: makeSigningKey() });
  for (let n = 0; n < 3; n += 1) {
    await other.connect();
    await other.close();
    await until('it is gone', () => !world.fleet.registry.isOnline(id));
  }
  await until('the alert fires', async () => (await alertsOf(world, 'witness_key'))[0] === 'firing');
  const entries = await audited(world, 'server.witness_key_changed');
  assert.equal(entries.length, 1, 'three connections are one alarm');
  assert.deepEqual(entries[0]?.details, { pinned: agent.trust.key?.publicKey, told: other.trust.key?.publicKey });
  const pinned = await world.db.selectFrom('server').select('witness_key').executeTakeFirstOrThrow();
  assert.equal(pinned.witness_key, agent.trust.key?.publicKey);
  const { token } = await renewEnrolment(world.core, whoIs('system'), id);
  await world.agent({ token }).connect();
  await until('the alert is resolved', async () => (await alertsOf(world, 'witness_key'))[0] === 'resolved');
});

/** A world that is restored from a backup which lacks the newest entries, and what the server had kept of them. */
async function rolledBack(t: TestContext) {
  const folder = await tempFolder(t);
  const [path, backup] = [join(folder, 'now.db'), join(folder, 'backup.db')];
  const key = makeSigningKey();
  const before = await witnessWorld({ path, key });
  const { id, agent } = await before.enrolled('web-1');
  await witnessed(before, agent, (await grow(before, 2)).size);
  await backUpDatabase(path, backup);
  const lost = await grow(before, 15);
  await witnessed(before, agent, lost.size);
  await before[Symbol.asyncDispose]();
  const connect = async (world: World) => {
    const back = world.agent({ key: agent.key, serverId: id });
    back.trust.kept.push(...agent.trust.kept);
    await back.connect();
    return back;
  };
  return { id, key, path, backup, lost, connect, folder };
}

test('F18: when the database is restored from an older backup, the server’s memory shows it before any change goes there', async (t) => {
  const { id, key, backup, lost, connect } = await rolledBack(t);
  await using world = await witnessWorld({ path: backup, key });
  let storedWhenConnected: Promise<unknown> = Promise.resolve();
  world.fleet.registry.follow({
    connected: () => {
      storedWhenConnected = world.db.selectFrom('server').select('contradiction_json').executeTakeFirstOrThrow();
    },
    disconnected: () => undefined,
  });
  const agent = await connect(world);
  const stored = (await storedWhenConnected) as { contradiction_json: string };
  const contradiction = JSON.parse(stored.contradiction_json);
  assert.deepEqual([contradiction.kind, contradiction.size, contradiction.head], ['rolled_back', lost.size, lost.head]);
  await until('the alert fires', async () => (await alertsOf(world, 'audit'))[0] === 'firing');
  const [entry, ...more] = await audited(world, 'ledger.contradicted');
  assert.deepEqual(more, []);
  assert.deepEqual([entry?.server_id, entry?.details.kind, entry?.details.size], [id, 'rolled_back', lost.size]);
  const shown = await detail(world);
  assert.equal(shown.witness?.agrees, false);
  assert.match(shown.trust, /no change goes there until an owner accepts that/);
  const { notices } = await world.call('getOverview', {});
  assert.match(notices[0]?.text ?? '', /1 server \(web-1\) remembers audit entries/);
  // The log grows past what the server remembers: that makes nothing good, and the server is shown none of it.
  await grow(world, 40);
  for (let n = 0; n < 3; n += 1) await world.turn();
  assert.deepEqual(checkpointsIn(world, agent), []);
  await agent.close();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  await agent.connect();
  assert.deepEqual(await alertsOf(world, 'audit'), ['firing']);
  assert.equal((await audited(world, 'ledger.contradicted')).length, 1, 'told once');
});

test('F18: when the newest database is put back, the contradiction ends by itself', async (t) => {
  const { key, path, backup, lost, connect } = await rolledBack(t);
  const wrong = await witnessWorld({ path: backup, key });
  await connect(wrong);
  await wrong[Symbol.asyncDispose]();
  // A contradiction that this database knows of, as if it had been seen by a mistake that is mended now.
  await using world = await witnessWorld({ path, key });
  const contradiction_json = JSON.stringify({ ...lost, kind: 'rolled_back', entries: 1, seenAt: 1, note: undefined });
  await write(world.db, (trx) => trx.updateTable('server').set({ contradiction_json }).execute());
  await connect(world);
  assert.equal((await detail(world)).witness?.agrees, true);
  const row = await world.db.selectFrom('server').select('contradiction_json').executeTakeFirstOrThrow();
  assert.equal(row.contradiction_json, null);
});

test('F18: when an owner accepts the loss, changes may go on; the server refuses what is smaller and goes on with what is larger', async (t) => {
  const { id, key, backup, lost, connect } = await rolledBack(t);
  await using world = await witnessWorld({ path: backup, key });
  const accept = { reason: 'restored after the disk died', proof };
  await assert.rejects(world.call('acceptRollback', accept), { code: 'nothing_to_accept' }, 'nothing contradicts yet');
  const agent = await connect(world);
  await assert.rejects(world.call('acceptRollback', { ...accept, proof: wrongProof }), { code: 'sign_in_failed' });
  await world.clock.advance(1000);
  await world.call('acceptRollback', accept);
  const [entry] = await audited(world, 'ledger.rollback_accepted');
  assert.deepEqual(
    [entry?.person_id, entry?.details.reason, entry?.details.heads],
    [...['prs_000000000001', accept.reason, [lost.head]]],
  );
  await until('the alert is resolved', async () => (await alertsOf(world, 'audit'))[0] === 'resolved');
  const smaller = await grow(world);
  assert.ok(smaller.size < lost.size);
  await world.turn();
  await until('the server refused it', () => checkpointsIn(world, agent).includes(smaller.size));
  await world.fleet.registry.observe(id, 'overview', {});
  await world.turn();
  assert.equal(agent.trust.newest?.size, lost.size, 'it keeps what it kept');
  const shown = await detail(world);
  assert.match(shown.trust, /Ada accepted that on 2026-/);
  assert.equal(shown.witness?.agrees, false);
  const { size } = await grow(world, 40);
  await witnessed(world, agent, size);
  assert.equal((await detail(world)).witness?.agrees, true);
  assert.deepEqual(await alertsOf(world, 'audit'), ['resolved']);
  const verdict = await world.call('verifyAudit', { against_servers: true });
  assert.equal(verdict.ok, true);
  assert.equal(verdict.servers[0]?.state, 'accepted');
  assert.match(verdict.servers[0]?.problems[0] ?? '', /rewritten or forked.*\(accepted by Ada on 2026-/);
  assert.equal(verdict.servers[0]?.problems.length, 1);
});

test('F18: when the database is rolled back once more after a loss was accepted, that is another contradiction', async (t) => {
  const { key, backup, folder, connect } = await rolledBack(t);
  const older = join(folder, 'older.db');
  await copyFile(backup, older);
  const first = await witnessWorld({ path: backup, key });
  const agent = await connect(first);
  await first.clock.advance(1000);
  await first.call('acceptRollback', { reason: 'restored', proof });
  const { size } = await grow(first, 40);
  await witnessed(first, agent, size);
  await first[Symbol.asyncDispose]();
  await using world = await witnessWorld({ path: older, key });
  const back = world.agent({ key: agent.key, serverId: agent.serverId });
  back.trust.kept.push(...agent.trust.kept);
  await back.connect();
  await until('the alert fires', async () => (await alertsOf(world, 'audit'))[0] === 'firing');
});

test('T22: when the log is rewritten while a server is connected, its refusal shows it', async () => {
  await using world = await witnessWorld();
  const { id, agent } = await world.enrolled('web-1');
  const { size, head, at } = await grow(world, 3);
  await witnessed(world, agent, size);
  const other = 'f'.repeat(64);
  assert.notEqual(head, other);
  agent.trust.kept.splice(0, 1, { size, head: other, at });
  const fault = { code: 'checkpoint_contradicts', slots: { size, kept: size } };
  agent.send({ type: 'checkpoint_refused', fault, kept: { size, head: other, at } });
  await until('it is known', async () => {
    await world.turn();
    return (await audited(world, 'ledger.contradicted'))[0]?.details.kind === 'rewritten';
  });
  const verdict = await world.call('verifyAudit', { against_servers: true });
  assert.deepEqual([verdict.ok, verdict.servers[0]?.state], [false, 'contradicts']);
  assert.deepEqual(verdict.servers[0]?.server, { id, name: 'web-1' });
});

test('T22: when a server is offline, what it countersigned last still speaks against a changed log', async (t) => {
  const path = join(await tempFolder(t), 'countersign.db');
  await using world = await witnessWorld({ path });
  const { id, agent } = await world.enrolled('web-1');
  const { size } = await grow(world, 3);
  await witnessed(world, agent, size);
  await agent.close();
  await until('it is gone', () => !world.fleet.registry.isOnline(id));
  const silent = await world.call('verifyAudit', { against_servers: true });
  assert.deepEqual([silent.ok, silent.servers[0]?.state], [true, 'unreachable']);
  const behind = new Sqlite(path);
  behind.exec(
    `drop trigger audit_entry_no_update; update audit_entry set hash = '${'f'.repeat(64)}' where seq = ${size}`,
  );
  behind.close();
  const { servers } = await world.call('verifyAudit', { against_servers: true });
  assert.equal(servers[0]?.state, 'contradicts');
  assert.match(servers[0]?.problems[0] ?? '', /rewritten or forked: entry \d+ is another/);
});

test('when the servers are asked, each is told apart: agrees, unreachable, no witness, a forged statement', async () => {
  await using world = await witnessWorld();
  const { agent } = await world.enrolled('web-1');
  const { agent: away } = await world.enrolled('web-2');
  await world.enrolled('web-3', { witnessKey: null });
  await world.enrolled('web-4', { tamperWitness: (it) => ({ ...it, server: 'srv_000000000000' }) });
  const { size } = await grow(world, 3);
  await witnessed(world, agent, size);
  await away.close();
  await until('it is gone', () => !world.fleet.registry.isOnline(away.serverId ?? ''));
  const plain = await world.call('verifyAudit', {});
  assert.deepEqual([plain.ok, plain.servers], [true, []]);
  const [checked] = await audited(world, 'audit.verified');
  assert.equal(checked?.person_id, 'prs_000000000001');
  assert.deepEqual(checked?.details, { entries: plain.entries, ok: true, problems: 0, servers: 0 });
  const { ok, servers } = await world.call('verifyAudit', { against_servers: true });
  assert.deepEqual(
    servers.map(({ server, state, checkpoints }) => [server.name, state, checkpoints]),
    [
      ['web-1', 'agrees', 1],
      ['web-2', 'unreachable', 0],
      ['web-3', 'no_witness', 0],
      ['web-4', 'contradicts', 0],
    ],
  );
  assert.equal(ok, false);
  assert.match(servers[3]?.problems[0] ?? '', /another server/);
});

test('when there are thousands of servers, a checkpoint goes to them spread over half a minute, the newest only', async () => {
  const sent: number[] = [];
  const { Witnesses } = await import('../../src/fleet/witnesses.ts');
  await using world = await witnessWorld();
  const onlineIds = Array.from({ length: 6000 }, (_, n) => `srv_${String(n).padStart(12, '0')}`);
  const notes: string[] = [];
  const registry = { onlineIds, sendCheckpoint: (_id: string, note: string) => void notes.push(note) };
  await using witnesses = new Witnesses({ ...world.core, registry });
  witnesses.checkpointMade({ size: 1, note: 'first' });
  await witnesses.turn();
  witnesses.checkpointMade({ size: 2, note: 'second' });
  for (let turn = 0; turn < 31; turn += 1) {
    const before = notes.length;
    await witnesses.turn();
    sent.push(notes.length - before);
  }
  assert.ok(Math.max(...sent) <= 200, `${Math.max(...sent)} at once`);
  assert.equal(notes.filter((note) => note === 'first').length, 200);
  assert.equal(notes.filter((note) => note === 'second').length, 6000);
});

test('when the page of a server is read, one sentence says whom it believes', async () => {
  await using world = await witnessWorld();
  const { lockOf } = await import('../lock/locks.ts');
  await world.enrolled('open');
  await world.enrolled('locked', { policy: { lock: lockOf() } });
  await world.enrolled('even', {
    policy: { lock: lockOf({ signatures: { low: 2, medium: 2, high: 2, critical: 2, change: 2 } }) },
  });
  await world.enrolled('ended', { policy: { lock: lockOf({ disabled: true }) } });
  await world.enrolled('reading', { policy: { mode: 'observe', lock: lockOf() } });
  await world.add('silent');
  const trust = async (server: string) => (await world.call('getServerStatus', { server })).trust;
  const plain = 'This server trusts the control plane: whoever controls it can run what the server’s policy allows.';
  assert.equal(await trust('open'), plain);
  assert.equal(
    await trust('locked'),
    'This server runs a change only with signatures of its approvers: 1 for low risk, 1 for medium risk, 2 for high risk, 2 for critical risk, of 2 (Ada, Bo). The control plane cannot sign for them.',
  );
  assert.match(await trust('even'), /its approvers: 2 of 2 \(Ada, Bo\)\./);
  assert.equal(await trust('ended'), `${plain} Its lock was ended with the recovery secret.`);
  assert.match(await trust('reading'), /only lets itself be read/);
  assert.match(await trust('silent'), /not known whom it believes/);
});
