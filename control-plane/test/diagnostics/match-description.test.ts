import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capability, type DiagnosticId, diagnosticIds } from '@countersign/protocol';
import { cpuMs } from '../../../test/world/cpu-ms.ts';
import { matchDescription } from '../../src/diagnostics/match-description.ts';
import { readDetails } from '../../src/diagnostics/read-details.ts';
import { known, type Labelled, unseen } from './descriptions.ts';

const TEN_PAST_TWO = Date.UTC(2026, 10, 20, 2, 10);
const now = TEN_PAST_TWO + 3 * 60_000;

const takes = (diagnostic: DiagnosticId, parameter: string) =>
  Object.hasOwn(capability(diagnostic).parameters.shape, parameter);

test('when a family of diagnostics exists, people have words for it in both parts', () => {
  for (const list of [known, unseen]) assert.deepEqual(new Set(list.map(({ wants }) => wants)), new Set(diagnosticIds));
});

for (const [name, list] of Object.entries({ known, unseen })) {
  test(`when trouble is described in ${name} words, the right diagnostic is among the first three for 95 of 100`, (t) => {
    const missed = list.filter(({ says, wants }) => !firstThree(says).includes(wants));
    const misses = missed.map((it: Labelled) => `missed: ${it.says} (${it.wants}) -> ${firstThree(it.says)}`);
    t.diagnostic(`${name}: ${list.length - missed.length} of ${list.length} descriptions`);
    for (const miss of misses) t.diagnostic(miss);
    assert.ok(list.length >= 40);
    assert.ok(missed.length <= list.length * 0.05, misses.join('\n'));
  });
}

test('when a description names a unit, a port, a path, a container or a host, the diagnostic gets it as a parameter', () => {
  for (const { says, wants, parameters } of known) {
    const match = matchDescription(says, now).find(({ diagnostic }) => diagnostic === wants);
    const read: Readonly<Record<string, unknown>> = { ...readDetails(says, now) };
    // Not every family takes what it is asked about: `docker` looks at all containers.
    for (const [name, value] of Object.entries(parameters ?? {}))
      assert.deepEqual(takes(wants, name) ? match?.parameters[name] : read[name], value, says);
  }
});

test('when a description says since when, the diagnostics look back that far and a little more', () => {
  const since = (text: string) => matchDescription(text, now).find((it) => it.diagnostic === 'logs')?.parameters.since;
  assert.equal(since('errors in the log since 2:10'), '18m');
  assert.equal(since('errors in the log since 1am'), `${73 + 15}m`);
  assert.equal(since('errors in the log since 2:30'), `${23 * 60 + 43 + 15}m`);
  assert.equal(since('log errors for the last 3 hours'), '3h');
  assert.equal(since('log errors in the past 2 days'), '2d');
  assert.equal(since('log errors since yesterday'), '24h');
  assert.equal(since('log errors'), undefined);
});

test('when a description fits nothing, the overview remains', () => {
  assert.deepEqual(
    matchDescription('qwertz', now).map(({ diagnostic }) => diagnostic),
    ['overview'],
  );
});

test('when a description mentions a service without naming one, no unit is made up', () => {
  assert.equal(
    matchDescription('some service is not running', now).find((it) => it.diagnostic === 'service'),
    undefined,
  );
});

test('when a description names what every object has, it is a name like any other', () => {
  for (const name of ['constructor', 'valueOf', 'hasOwnProperty'])
    assert.equal(readDetails(`the ${name} service is down`, now).unit, name.toLowerCase());
});

test('when a description is hostile, matching stays quick and every parameter fits its schema', () => {
  const hostile = [
    '/'.repeat(2000),
    'a-'.repeat(1000),
    '/a'.repeat(1000),
    'no space '.repeat(220),
    `unit ${'x'.repeat(1900)}`,
    '"'.repeat(2000),
    'port 99999999 :::99999 /../../etc/passwd unit ../../x',
    'service --now; rm -rf /',
    'unit ‮evil.service',
  ];
  const started = cpuMs();
  for (const text of hostile)
    for (const { diagnostic, parameters } of matchDescription(text, now))
      assert.ok(capability(diagnostic).parameters.safeParse(parameters).success, `${diagnostic}: ${text.slice(0, 40)}`);
  assert.ok(cpuMs() - started < 1000);
});

function firstThree(says: string): string[] {
  return matchDescription(says, now)
    .slice(0, 3)
    .map(({ diagnostic }) => diagnostic);
}
