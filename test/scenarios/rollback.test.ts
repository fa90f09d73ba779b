/**
 * The audit log has two sides: a real agent keeps what the real control plane showed it. An older database put in the place of the
 * newest one is noticed, no change goes to that server, an owner accepts the loss, and work goes on (F18, T22).
 */
import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Call } from '@countersign/protocol/operator-api/index';
import { backUpDatabase } from '../../control-plane/src/storage/database-backup.ts';
import { eventually } from '../world/eventually.ts';
import { type LocalAgent, startLocalAgent } from '../world/local-agent.ts';
import { startWorld, type World } from '../world/world.ts';

let world: World;
let agent: LocalAgent;
let folder: string;
let assistant: Call;

before(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign-rollback-')));
  world = await startWorld();
  agent = await startLocalAgent(world, 'web-1', {
    policy: `mode: act\nmax_risk: critical\nread_roots: [${folder}]\nwrite_roots: [${folder}]\n`,
  });
  assistant = world.as(await world.token());
});

after(async () => {
  await agent?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Has a file written on the server, with a person's approval, and waits for the end. */
async function writeOnServer(name: string): Promise<string> {
  const path = join(folder, name);
  const asked = await assistant('writeFile', { server: 'web-1', path, content: 'done\n', expected_sha256: null });
  assert.ok(asked.action);
  const { id: action, digest } = asked.action;
  await world.owner('approveAction', { action, digest, typed_server: 'web-1' });
  await eventually('the action to end', async () => {
    const { state } = await world.owner('getAction', { action });
    return state === 'succeeded';
  });
  assert.equal(await readFile(path, 'utf8'), 'done\n');
  return action;
}

const witness = async () => (await world.owner('getServerStatus', { server: 'web-1' })).witness;
/** The link waits up to a minute between its attempts. */
const backOnline = () =>
  eventually(
    'the agent to be back',
    async () => (await world.owner('getServerStatus', { server: 'web-1' })).state === 'online',
    { timeoutMs: 120_000 },
  );

/** An orderly stop signs a checkpoint; the agent gets it when it is back. */
async function restartAndWitness(): Promise<number> {
  const before = (await witness())?.size ?? 0;
  await world.restart('SIGTERM');
  await backOnline();
  return eventually('the server to countersign', async () => {
    const now = await witness();
    return now !== null && now.size > before && now.agrees ? now.size : undefined;
  });
}

test('F18, T22: when an older database comes back, the server’s memory shows it, and an owner has to accept the loss', async () => {
  const database = join(world.dataDir, 'countersign.db');
  const backup = join(folder, 'backup.db');
  await writeOnServer('first');
  await restartAndWitness();
  const agrees = await world.owner('verifyAudit', { against_servers: true });
  assert.deepEqual([agrees.ok, agrees.servers[0]?.state, agrees.servers[0]?.actions], [true, 'agrees', 1]);
  await backUpDatabase(database, backup);
  const lost = await writeOnServer('second');
  const kept = await restartAndWitness();

  process.kill(world.pid, 'SIGKILL');
  await eventually('the process to be gone', () => !isThere(world.pid));
  for (const file of ['-wal', '-shm']) await rm(`${database}${file}`, { force: true });
  await copyFile(backup, database);
  await world.restart();
  await backOnline();
  const shown = await eventually('the contradiction to be known', async () => {
    const detail = await world.owner('getServerStatus', { server: 'web-1' });
    // It may have countersigned once more: the control plane signs every minute, and it was killed a moment later.
    return detail.witness !== null && detail.witness.size >= kept && !detail.witness.agrees ? detail : undefined;
  });
  assert.match(shown.trust, /no change goes there until an owner accepts that/);
  const path = join(folder, 'third');
  const request = { server: 'web-1', path, content: 'no\n', expected_sha256: null };
  await assert.rejects(assistant('writeFile', request), { code: 'ledger_rolled_back' });

  const found = await world.owner('verifyAudit', { against_servers: true });
  assert.equal(found.ok, false);
  const problems = found.servers[0]?.problems.join('\n') ?? '';
  assert.match(problems, /the log was rolled back/);
  assert.match(problems, new RegExp(`action ${lost} ran on the server, and the log does not know it`));

  const proof = { kind: 'password', password: world.password } as const;
  await world.owner('acceptRollback', { reason: 'the disk died; restored the backup', proof });
  await writeOnServer('fourth');
  const accepted = await world.owner('verifyAudit', { against_servers: true });
  assert.equal(accepted.ok, true, accepted.servers[0]?.problems.join('\n') ?? '');
  assert.ok(accepted.servers[0]?.problems.every((problem) => /accepted by Ada on 2/.test(problem)));
  assert.equal(accepted.servers[0]?.state, 'accepted');
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
