import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Fault } from '@countersign/protocol';
import { dispatchDue } from '../../src/actions/dispatch-due.ts';
import { commandAbuses } from './command-abuses.ts';
import { type Heart, heart } from './heart.ts';

const abuses = commandAbuses();

/** So many wait in one store: what is looked for among those that wait takes longer with each. */
const AT_ONCE = 150;

/** Asks for every abuse and has everything sent that may be; returns how each ended, with how often. */
async function endsOf(t: TestContext, policy?: string): Promise<Record<string, number>> {
  const ends: Record<string, number> = {};
  for (let from = 0; from < abuses.length; from += AT_ONCE) {
    const h = await heart(t, { limits, memory: true, ...(policy !== undefined && { policy }) });
    for (const argv of abuses.slice(from, from + AT_ONCE)) {
      const end = await endOf(h, argv);
      ends[end] = (ends[end] ?? 0) + 1;
    }
    await dispatchDue(h.deps);
    assert.deepEqual(h.fleet.grants, [], 'nothing was sent to a server');
  }
  return ends;
}

async function endOf(h: Heart, argv: string[]): Promise<string> {
  try {
    const { actionId, repeated } = await h.ask({ wanted: { kind: 'command', argv, timeout_s: 60 } });
    assert.equal(repeated, false, `${argv.join(' ')} is a request of its own`);
    return (await h.stateOf(actionId)) ?? 'none';
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

// What carries a password on its command line is refused before anybody is asked.
const askedOrRefused = (ends: Record<string, number>) =>
  assert.deepEqual(Object.keys(ends).sort(), ['awaiting_approval', 'secret_parameter'], JSON.stringify(ends));
const limits = { pendingMost: Number.MAX_SAFE_INTEGER };

test('T16: when programs are abused in more than 1,330 known ways, none runs without a human, by the built-in policy', async (t) => {
  assert.ok(abuses.length >= 1330, `${abuses.length} abuses`);
  assert.equal(new Set(abuses.map((argv) => JSON.stringify(argv))).size, abuses.length, 'each is another one');
  askedOrRefused(await endsOf(t));
});

test('T16: when policy allows everything of low and medium risk and all playbooks, none of the abuses runs without a human', async (t) => {
  const policy =
    '  - {name: small, when: {risk: [low, medium]}, allow: true}\n  - {name: playbooks, when: {playbooks: ["*"]}, allow: true}';
  askedOrRefused(await endsOf(t, policy));
});
