import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFromAgent, decodeFromControlPlane, encode } from '../src/agent-wire/codec.ts';
import { LEVEL, negotiate, OLDEST_LEVEL } from '../src/agent-wire/level.ts';

test('when a frame is not JSON or does not fit, it is invalid and the problem is named', () => {
  for (const frame of [
    '',
    '{',
    'null',
    '[]',
    '"x"',
    '{"type":5}',
    '{"type":"open"}',
    `{"type":"heartbeat","clock":"now"}`,
  ]) {
    const decoded = decodeFromAgent(frame);
    assert.equal(decoded.outcome, 'invalid', frame);
  }
});

test('F16: when a frame nests deeper than anything of ours, it is invalid, and no stack ends', () => {
  const nesting = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`;
  const observe = (levels: number) =>
    `{"type":"observe","requestId":"req_000000000000","capability":"unit.state","timeoutMs":1,"parameters":{"a":${nesting(levels)}}}`;
  assert.equal(decodeFromControlPlane(observe(50)).outcome, 'ok');
  for (const levels of [100, 5000, 400_000]) {
    const decoded = decodeFromControlPlane(observe(levels));
    assert.ok(decoded.outcome === 'invalid' && /not JSON/.test(decoded.problems), `${levels} levels`);
  }
});

test('when a message is of a newer level, it is told apart from a broken one', () => {
  assert.deepEqual(decodeFromAgent('{"type":"sing","song":1}'), { outcome: 'not_at_this_level', type: 'sing' });
});

test('when a message is encoded, it decodes to itself', () => {
  const message = { type: 'acknowledge', seq: 7 } as const;
  assert.deepEqual(decodeFromControlPlane(encode(message)), { outcome: 'ok', message });
});

test('F17: when levels overlap the highest common one is spoken, else none', () => {
  assert.equal(negotiate({ oldest: 1, newest: LEVEL + 7 }), LEVEL);
  assert.equal(negotiate({ oldest: OLDEST_LEVEL, newest: OLDEST_LEVEL }), OLDEST_LEVEL);
  assert.equal(negotiate({ oldest: LEVEL + 1, newest: LEVEL + 7 }), undefined);
  assert.equal(negotiate({ oldest: 0, newest: OLDEST_LEVEL - 1 }), undefined);
});
