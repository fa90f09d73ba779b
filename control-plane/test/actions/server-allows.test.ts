import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abilitiesOf } from '../../src/actions/server-allows.ts';

const policyWith = (readRoots: string[]) => {
  const policy = { mode: 'act', maxRisk: 'low', commands: false, readRoots, writeRoots: [], lock: null };
  return { capabilities_json: '[]', facts_json: null, policy_json: JSON.stringify(policy) };
};

test('when a server tells as much as a frame holds, it is read each time and not kept; what others tell is', () => {
  const [usual, long] = [policyWith(['/srv']), policyWith(['/'.padEnd(900_000, 'x')])];
  assert.deepEqual(
    [abilitiesOf(usual).policy?.readRoots, abilitiesOf(long).policy?.readRoots[0]?.length],
    [['/srv'], 900_000],
  );
  assert.equal(abilitiesOf(usual).policy, abilitiesOf(usual).policy);
  assert.notEqual(abilitiesOf(long).policy, abilitiesOf(long).policy);
});
