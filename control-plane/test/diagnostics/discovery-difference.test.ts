import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Discovered, Discovery } from '@countersign/protocol';
import { differenceBetween } from '../../src/diagnostics/discovery-difference.ts';

const thing = (kind: Discovered['kind'], name: string, state: string | null = null, detail = ''): Discovered => ({
  ...{ kind, name, state, detail },
});
const found = (things: Discovered[], blind: Discovered['kind'][] = []): Discovery => ({
  found: things,
  units: null,
  blind: blind.map((kind) => ({ kind, why: 'nobody knows' })),
  truncated: false,
});

test('when two looks differ, what came, went and changed is told, with how it was', () => {
  const before = found([
    thing('unit', 'a', 'active'),
    thing('unit', 'b', 'active'),
    thing('listener', 'tcp *:80', null, 'nginx'),
  ]);
  const now = found([thing('unit', 'a', 'failed'), thing('unit', 'c'), thing('listener', 'tcp *:80', null, 'apache2')]);
  const { appeared, gone, changed } = differenceBetween(before, now);
  assert.deepEqual(
    appeared.map(({ name }) => name),
    ['c'],
  );
  assert.deepEqual(
    gone.map(({ name }) => name),
    ['b'],
  );
  assert.deepEqual(
    changed.map(({ name, was }) => [name, was]),
    [
      ['a', 'active'],
      ['tcp *:80', 'nginx'],
    ],
  );
});

test('when a kind could not be seen in one of both looks, nothing of it is said to be gone or new', () => {
  const before = found([thing('container', 'web', 'running')]);
  for (const [one, other] of [
    [before, found([], ['container'])],
    [found([], ['container']), before],
  ] as const)
    assert.deepEqual(differenceBetween(one, other), { appeared: [], gone: [], changed: [] });
  assert.equal(differenceBetween(before, found([])).gone.length, 1);
});

test('when a unit and a timer have the same name, they are two things', () => {
  const before = found([thing('unit', 'backup'), thing('timer', 'backup')]);
  assert.deepEqual(differenceBetween(before, found([thing('unit', 'backup')])).gone, [thing('timer', 'backup')]);
});
