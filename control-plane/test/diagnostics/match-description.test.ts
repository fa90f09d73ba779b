import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capability, diagnosticIds } from '@countersign/protocol';
import { matchDescription } from '../../src/diagnostics/match-description.ts';
import { known, type Labelled, unseen } from './descriptions.ts';

const TEN_PAST_TWO = Date.UTC(2026, 10, 20, 2, 10);
const now = TEN_PAST_TWO + 3 * 60_000;

for (const [name, list] of Object.entries({ known, unseen })) {
  test(`when trouble is described in ${name} words, the right diagnostic is among the first three for 95 of 100`, () => {
    const asked = list.filter(({ wants }) => (diagnosticIds as readonly string[]).includes(wants));
    const missed = asked.filter(({ says, wants }) => !firstThree(says).includes(wants));
    assert.ok(asked.length >= 40);
    assert.ok(
      missed.length <= asked.length * 0.05,
      missed.map((it: Labelled) => `${it.says} -> ${firstThree(it.says)}`).join('\n'),
    );
  });
}

test('when a description names a unit, a port, a path or a time, the diagnostic gets it as a parameter', () => {
  for (const { says, wants, parameters } of known.filter((it) =>
    (diagnosticIds as readonly string[]).includes(it.wants),
  )) {
    const match = matchDescription(says, now).find(({ diagnostic }) => diagnostic === wants);
    for (const [name, value] of Object.entries(parameters ?? {})) assert.equal(match?.parameters[name], value, says);
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
  const started = performance.now();
  for (const text of hostile)
    for (const { diagnostic, parameters } of matchDescription(text, now))
      assert.ok(capability(diagnostic).parameters.safeParse(parameters).success, `${diagnostic}: ${text.slice(0, 40)}`);
  assert.ok(performance.now() - started < 1000);
});

function firstThree(says: string): string[] {
  return matchDescription(says, now)
    .slice(0, 3)
    .map(({ diagnostic }) => diagnostic);
}
