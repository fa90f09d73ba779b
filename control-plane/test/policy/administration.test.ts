import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askForChange, sameAsk } from '../../src/policy/administration.ts';
import { parsePolicy } from '../../src/policy/parse.ts';
import { changeKinds, type Policy } from '../../src/policy/policy.ts';

function policy(administration: string): Policy {
  const parsed = parsePolicy(`format: countersign-policy/1\nrules: []\n${administration}`);
  assert.ok('policy' in parsed, JSON.stringify(parsed));
  return parsed.policy;
}

test('when no rule is about a change, nobody else is asked, and all but tokens takes the best proof there is', () => {
  for (const none of [policy(''), policy('administration: []\n')])
    assert.deepEqual(
      changeKinds.map((kind) => askForChange(none, kind)),
      [
        { rule: 'no-rule', others: 0, strength: 'best' },
        { rule: 'no-rule', others: 0, strength: 'best' },
        { rule: 'no-rule', others: 0, strength: 'best' },
        { rule: 'no-rule', others: 0, strength: 'session' },
      ],
    );
});

test('when several rules are about a change, the first holds, and what it leaves out is as without it', () => {
  const two = policy(
    'administration:\n' +
      '  - {name: tokens, when: {change: [token]}, ask: {strength: passkey}}\n' +
      '  - {name: rest, ask: {others: 2}}\n' +
      '  - {name: never, ask: {others: 3}}\n',
  );
  assert.deepEqual(askForChange(two, 'token'), { rule: 'tokens', others: 0, strength: 'passkey' });
  assert.deepEqual(askForChange(two, 'policy'), { rule: 'rest', others: 2, strength: 'best' });
  assert.deepEqual(askForChange(two, 'person'), { rule: 'rest', others: 2, strength: 'best' });
});

test('T25: when a change makes an owner, it takes what its own rule asks for and what a change of the rules takes', () => {
  const owner = { makesOwner: true };
  const rules = policy(
    'administration:\n  - {name: four-eyes, when: {change: [policy]}, ask: {others: 1, strength: code}}\n',
  );
  assert.deepEqual(askForChange(rules, 'person', owner), { rule: 'four-eyes', others: 1, strength: 'code' });
  assert.deepEqual(askForChange(rules, 'role', owner), { rule: 'four-eyes', others: 1, strength: 'code' });
  assert.deepEqual(askForChange(rules, 'person'), { rule: 'no-rule', others: 0, strength: 'best' });
  const own = policy(
    'administration:\n  - {name: people, when: {change: [person]}, ask: {others: 2, strength: passkey}}\n',
  );
  assert.deepEqual(askForChange(own, 'person', owner), { rule: 'people', others: 2, strength: 'passkey' });
});

test('when two rules are compared, any difference counts', () => {
  const ask = { rule: 'a', others: 1, strength: 'code' } as const;
  assert.ok(sameAsk(ask, { ...ask }));
  assert.ok(!sameAsk(ask, { ...ask, rule: 'b' }));
  assert.ok(!sameAsk(ask, { ...ask, others: 0 }));
  assert.ok(!sameAsk(ask, { ...ask, strength: 'session' }));
});
