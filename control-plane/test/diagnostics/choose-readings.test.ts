import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capabilityIds } from '@countersign/protocol';
import { chooseByDescription, chooseNamed } from '../../src/diagnostics/choose-readings.ts';

const now = Date.UTC(2026, 10, 20, 2, 13);
const names = (problem: RegExp) => (error: Error & { code?: string }) => {
  assert.equal(error.code, 'invalid_input');
  assert.match(error.message, problem);
  return true;
};

test('when diagnostics are named, each gets the parameters that it knows, and a repeated one runs once', () => {
  assert.deepEqual(chooseNamed(['service', 'logs', 'service'], { unit: 'nginx', since: '2h' }), {
    readings: [
      { diagnostic: 'service', parameters: { unit: 'nginx' } },
      { diagnostic: 'logs', parameters: { unit: 'nginx', since: '2h' } },
    ],
    because: null,
  });
});

test('when a parameter does not fit, is missing, or is known to none, it is named', () => {
  assert.throws(() => chooseNamed(['service']), names(/parameters\.unit: .* \(for service\)/));
  assert.throws(() => chooseNamed(['service'], { unit: '; rm -rf /' }), names(/parameters\.unit: a systemd unit name/));
  assert.throws(() => chooseNamed(['disk'], { path: '/var/../etc' }), names(/parameters\.path/));
  assert.throws(() => chooseNamed(['disk'], { path: 7 }), names(/parameters\.path/));
  assert.throws(() => chooseNamed(['disk'], { pth: '/' }), names(/parameters\.pth: none of disk takes it/));
  assert.throws(() => chooseNamed(['disk'], { constructor: '/' }), names(/parameters\.constructor/));
  assert.throws(() => chooseNamed(['network_ports'], { port: 70_000 }), names(/parameters\.port/));
  assert.throws(() => chooseNamed(['logs'], { lines: 5000 }), names(/parameters\.lines/));
});

test('when trouble is described, a few diagnostics are chosen, the overview among them, and it says why', () => {
  const chosen = chooseByDescription('checkout is slow, 502s since 2:10', { capabilities: capabilityIds, now });
  const ids = chosen.readings.map(({ diagnostic }) => diagnostic);
  assert.equal(ids[0], 'nginx');
  assert.ok(ids.includes('overview'));
  assert.ok(ids.length <= 8);
  assert.ok(ids.includes('failed_units') && ids.includes('deploy'), 'what often lies behind it');
  assert.match(chosen.because ?? '', /nginx: .*502s.*deploy: often behind nginx/);
});

test('when the server lacks what would fit, it is left out', () => {
  const chosen = chooseByDescription('502 bad gateway', { capabilities: ['overview', 'logs'], now });
  assert.ok(chosen.readings.every(({ diagnostic }) => diagnostic === 'overview' || diagnostic === 'logs'));
});

test('when parameters come with a description, they overrule what was read out of it', () => {
  const chosen = chooseByDescription('errors in the logs since 2:10', {
    capabilities: capabilityIds,
    parameters: { since: '3h' },
    now,
  });
  assert.equal(chosen.readings.find(({ diagnostic }) => diagnostic === 'logs')?.parameters.since, '3h');
  assert.throws(
    () => chooseByDescription('disk is full', { capabilities: capabilityIds, parameters: { colour: 'red' }, now }),
    names(/parameters\.colour/),
  );
});

test('when many words fit, no more than eight diagnostics run, those that were spoken of before what may lie behind', () => {
  const says =
    'disk full, oom, cpu at 100%, nginx 502, docker container down, postgres deadlock, dns fails, cert expired';
  const { readings, because } = chooseByDescription(says, { capabilities: capabilityIds, now });
  assert.equal(readings.length, 8);
  assert.doesNotMatch(because ?? '', /often behind/);
});
