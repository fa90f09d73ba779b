/** The tables of fail points and the places in the code agree, and there are as many as were promised. */
import assert from 'node:assert/strict';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { journalPoints, failPoints as ofAgent } from '../../agent/src/fail-points.ts';
import { journalEntrySchema } from '../../agent/src/run/journal-entries.ts';
import { commitPoints, failPoints as ofControlPlane } from '../../control-plane/src/fail-points.ts';
import { parseFailPoint } from '../../protocol/src/fail-points.ts';
import { projectFolder } from '../world/places.ts';
import { agentGroups, placesOf } from './agent-kills.ts';
import { controlPlaneGroups } from './control-plane-kills.ts';
import { planPlaces } from './plan-kills.ts';

/** Names that the sources of a package pass, with how often each stands there. */
function passedIn(folder: string, call: RegExp): Map<string, number> {
  const passed = new Map<string, number>();
  for (const path of globSync(`${folder}/src/**/*.ts`, { cwd: projectFolder })) {
    if (path.endsWith('/fail-points.ts')) continue;
    for (const [, name = ''] of readFileSync(join(projectFolder, path), 'utf8').matchAll(call))
      passed.set(name, (passed.get(name) ?? 0) + 1);
  }
  return passed;
}

const moments = /\bfailPoint\(\s*'([a-z_.]+)'/g;
const commits = /\b(?:write|commitOrRefuse)\(\s*[\w.]+,\s*'([a-z_.]+)'/g;

test('when the control plane names a fail point, it stands in the code exactly once, and every one is named', () => {
  const found = new Map([...passedIn('control-plane', moments)]);
  for (const [name, times] of passedIn('control-plane', commits))
    for (const when of ['before', 'after']) found.set(`${name}.${when}_commit`, times);
  assert.deepEqual([...found.keys()].sort(), Object.keys(ofControlPlane).sort());
  assert.deepEqual(
    [...found.values()].filter((times) => times !== 1),
    [],
  );
  assert.ok(Object.keys(ofControlPlane).length >= 60, `${Object.keys(ofControlPlane).length} places`);
  assert.ok(Object.values(commitPoints).every((why) => why.length > 10));
});

test('when the agent names a fail point, it stands in the code exactly once, and every kind of journal line is one', () => {
  const found = passedIn('agent', moments);
  const named = Object.keys(ofAgent).filter((name) => !name.startsWith('journal.'));
  assert.deepEqual([...found.keys()].sort(), named.sort());
  assert.deepEqual(
    [...found.values()].filter((times) => times !== 1),
    [],
  );
  const kinds = journalEntrySchema.options.map(({ shape }) => shape.kind.value);
  // A rotation takes a journal of 4 MiB; its steps are tried in journal.test.ts.
  assert.deepEqual(kinds.filter((kind) => kind !== 'continued').sort(), Object.keys(journalPoints).sort());
  assert.ok(Object.keys(ofAgent).length >= 40, `${Object.keys(ofAgent).length} places`);
});

test('when places are shared out among the tests that kill there, none is left out and none is taken twice', () => {
  const groups = Object.values(controlPlaneGroups);
  const timesOf = (name: string) => groups.filter((group) => group.test(name)).length;
  assert.deepEqual(
    Object.keys(ofControlPlane).filter((name) => timesOf(name) !== 1),
    [],
  );
  const ofPlans = Object.keys(ofAgent).filter((name) => planPlaces.some((beginning) => name.startsWith(beginning)));
  const shared = (Object.keys(agentGroups) as (keyof typeof agentGroups)[]).flatMap(placesOf);
  assert.deepEqual([...shared, ...ofPlans].sort(), Object.keys(ofAgent).sort());
});

test('when places are shared out, each share is killed at by one test', () => {
  const folder = join(projectFolder, 'test/faults');
  const tests = readdirSync(folder).filter((name) => name.endsWith('.test.ts') && name !== 'places.test.ts');
  const said = tests.map((name) => readFileSync(join(folder, name), 'utf8')).join('\n');
  const timesOf = (words: string) => said.split(words).length - 1;
  const shares = [
    ...Object.keys(controlPlaneGroups).map((title) => `'${title}'`),
    ...Object.keys(agentGroups).map((group) => `placesOf('${group}')`),
    'killPlans(killsEach())',
  ];
  assert.deepEqual(
    shares.filter((share) => timesOf(share) !== 1),
    [],
  );
});

test('when a fail point is armed with words that mean nothing, the process says so instead of starting', () => {
  const table = { 'a.b': 'a place' };
  assert.deepEqual(parseFailPoint('a.b:torn-write:3', table), { name: 'a.b', act: 'torn-write', nth: 3 });
  assert.deepEqual(parseFailPoint('a.b:kill', table), { name: 'a.b', act: 'kill', nth: 1 });
  for (const wrong of ['a.b', 'a.b:die', 'a.c:kill', 'a.b:kill:0', 'toString:kill', ''])
    assert.throws(() => parseFailPoint(wrong, table), RangeError, wrong);
});
