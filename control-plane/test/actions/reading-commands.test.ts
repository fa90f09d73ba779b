import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { argvSchema, Fault, fault } from '@countersign/protocol';
import { readingAbuses } from '../../../protocol/test/reading-commands/abuses.ts';
import { legitimate } from '../../../protocol/test/reading-commands/legitimate.ts';
import { dispatchDue } from '../../src/actions/dispatch-due.ts';
import { serverById } from '../../src/fleet/server.store.ts';
import { write } from '../../src/storage/write.ts';
import { commandAbuses } from './command-abuses.ts';
import { type Heart, heart, web1 } from './heart.ts';

const LOOK = '  - {name: look, when: {reading_command: true}, allow: true}';

/** A control plane whose rule lets reading commands run at once, and a server whose owner switched them on. */
async function looking(
  t: TestContext,
  {
    policy = LOOK,
    ...server
  }: { policy?: string; readRoots?: string[]; commands?: boolean; readingCommands?: boolean } = {},
) {
  const h = await heart(t, { limits: { pendingMost: Number.MAX_SAFE_INTEGER }, policy, memory: true });
  await write(h.db, async (trx) => {
    const row = await serverById(trx, web1);
    const changed = {
      ...JSON.parse(row?.policy_json ?? '{}'),
      readRoots: ['/etc', '/var/log', '/var/www', '/srv', '/opt'],
      readingCommands: true,
      ...server,
    };
    await trx
      .updateTable('server')
      .set({ policy_json: JSON.stringify(changed) })
      .where('id', '=', web1)
      .execute();
  });
  return h;
}

const asks = (h: Heart, argv: readonly string[], more: object = {}) =>
  h.ask({ wanted: { kind: 'command', argv: [...argv], timeout_s: 60, ...more } });

async function endOf(h: Heart, argv: readonly string[]): Promise<string> {
  // What the operation itself refuses before anything else.
  if (!argvSchema.safeParse(argv).success) return 'invalid_input';
  try {
    return (await h.stateOf((await asks(h, argv)).actionId)) ?? 'none';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

test('T16: when policy and server let reading commands run at once, no abuse of them is allowed without a human', async (t) => {
  const h = await looking(t);
  // Some of the spellings go the whole way here; all of them are judged in protocol/test/reading-commands and by the runner.
  const abuses = [...commandAbuses().filter((_, n) => n % 8 === 0), ...readingAbuses().filter((_, n) => n % 14 === 0)];
  assert.ok(abuses.length >= 1000, `${abuses.length} abuses`);
  const ends: Record<string, number> = {};
  for (const argv of abuses) {
    const end = await endOf(h, argv);
    ends[end] = (ends[end] ?? 0) + 1;
    if (end === 'approved' || end === 'dispatched') assert.fail(`allowed: ${JSON.stringify(argv)}`);
  }
  await dispatchDue(h.deps);
  assert.deepEqual(h.fleet.grants, [], `nothing was sent to a server: ${JSON.stringify(ends)}`);
  assert.ok((ends.awaiting_approval ?? 0) > 900, JSON.stringify(ends));
});

test('when policy and server let reading commands run at once, they do, as steps of their own kind and at low risk', async (t) => {
  const h = await looking(t);
  for (const line of legitimate.filter((_, n) => n % 3 === 0))
    assert.equal(await endOf(h, line.split(' ')), 'dispatched', line);
  for (const { steps, risk } of h.fleet.drafts) {
    assert.deepEqual(
      steps.map(({ capability }) => capability),
      ['command.read'],
    );
    assert.equal(risk, 'low');
  }
  assert.equal(h.fleet.grants.length, h.fleet.drafts.length);
});

test('when no rule speaks of reading commands, or the server has them off, a human is asked', async (t) => {
  const silent = await looking(t, { policy: '  - {name: small, when: {risk: [low, medium]}, allow: true}' });
  assert.equal(await endOf(silent, ['uptime']), 'awaiting_approval');
  const off = await looking(t, { readingCommands: false });
  assert.equal(await endOf(off, ['uptime']), 'awaiting_approval');
  assert.deepEqual(
    off.fleet.drafts.at(-1)?.steps.map(({ capability }) => capability),
    ['command.run'],
  );
});

test('when input, environment, folder or a long time go with it, a reading command is a command like any other', async (t) => {
  const h = await looking(t);
  for (const more of [{ stdin: 'x' }, { environment: { PAGER: '/tmp/x' } }, { cwd: '/srv' }, { timeout_s: 600 }]) {
    const { actionId } = await asks(h, ['uptime'], more);
    assert.equal(await h.stateOf(actionId), 'awaiting_approval', JSON.stringify(more));
  }
});

test('when the server does not know a command to read only, a human is asked where it allows commands, and nobody where not', async (t) => {
  const link = ['cat', '/etc/leads-to-shadow'];
  const refuses = (h: Heart) => {
    const { answer } = h.fleet;
    h.fleet.answer = async (draft) => {
      if (draft.steps.some(({ capability }) => capability === 'command.read'))
        throw fault('path_denied', { path: '/etc/leads-to-shadow', reason: 'it leads to /etc/shadow' });
      return answer(draft);
    };
  };
  const open = await looking(t);
  refuses(open);
  assert.equal(await endOf(open, link), 'awaiting_approval');
  const closed = await looking(t, { commands: false });
  refuses(closed);
  assert.equal(await endOf(closed, link), 'path_denied');
});

test('when commands are off and reading commands are on, those that only read run and all others are refused', async (t) => {
  const h = await looking(t, { commands: false });
  assert.equal(await endOf(h, ['df', '-h']), 'dispatched');
  assert.equal(await endOf(h, ['rm', '-rf', '/srv']), 'commands_disabled');
});

test('T16: when a rule denies a program, it is denied as a command that only reads, too', async (t) => {
  const deny = '  - {name: no-journal, when: {programs: [journalctl]}, deny: {reason: Logs stay here.}}';
  const h = await looking(t, { policy: `${deny}\n${LOOK}` });
  assert.equal(await endOf(h, ['journalctl', '-u', 'nginx']), 'denied');
  assert.equal(await endOf(h, ['/usr/bin/journalctl', '-n', '5']), 'denied');
  assert.equal(await endOf(h, ['uptime']), 'dispatched');
});
