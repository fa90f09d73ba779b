import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { libraryFolder, type Playbook, parseCases, parsePlaybook, tryCases } from '@countersign/playbooks';

const restart: Playbook =
  parsePlaybook(readFileSync(`${libraryFolder}/service/restart.yaml`, 'utf8'), { file: 'restart.yaml' }).playbook ??
  assert.fail('the playbook of restarts is broken');

const outcomes = (text: string) => {
  const parsed = parseCases(`cases:\n${text}`, { file: 'restart.test.yaml' });
  assert.ok(parsed.value, JSON.stringify(parsed.problems));
  return tryCases(restart, parsed.value.cases).map(({ when, problems }) => [when, ...problems]);
};

test('when cases hold, nothing is said against them', () => {
  assert.deepEqual(
    outcomes(`
  - when: a unit is named
    parameters: { unit: nginx }
    title: Restart nginx.service
    risk: medium
    steps: [unit.restart]
    undo: []
  - { when: no unit is named, refused: "parameters.unit" }
`),
    [['a unit is named'], ['no unit is named']],
  );
});

test('when a case does not hold, every difference is told', () => {
  assert.deepEqual(
    outcomes(`
  - { when: too much is expected, parameters: { unit: nginx }, risk: high, steps: [unit.stop], title: Stop nginx }
  - { when: it ought to be refused, parameters: { unit: nginx }, refused: protected }
  - { when: it is refused, parameters: { unit: "a b" } }
  - { when: the words are others, parameters: {}, refused: nonsense }
`).map(([when, ...problems]) => [when, problems.map((problem) => problem.split(/[:;]/)[0])]),
    [
      [
        'too much is expected',
        [
          'title is Restart nginx.service, not Stop nginx',
          'risk is medium, not high',
          'steps is unit.restart, not unit.stop',
        ],
      ],
      ['it ought to be refused', ['it is not refused']],
      ['it is refused', ['it is refused']],
      ['the words are others', ['it is refused with other words']],
    ],
  );
});

test('when a file of cases is wrong, line and column are told', () => {
  const { problems } = parseCases('cases:\n  - when: x\n    stepz: []\n', { file: 'a.test.yaml' });
  assert.deepEqual(
    problems?.map(({ line, column, message }) => [line, column, message]),
    [[3, 5, 'cases.0.stepz: is no member of a file of cases here']],
  );
});
