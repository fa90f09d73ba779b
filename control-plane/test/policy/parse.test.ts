import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProblem, parsePolicy } from '../../src/policy/parse.ts';

const problemsOf = (text: string) => {
  const parsed = parsePolicy(text);
  return 'problems' in parsed ? parsed.problems.map(describeProblem) : [];
};
const head = 'format: countersign-policy/1\nrules:\n';

const bad: [string, string, RegExp][] = [
  ['has no rules', 'format: countersign-policy/1\n', /^line 1, column 1: rules: /],
  ['is empty', '', /^line 1, column 1: policy: /],
  ['holds nothing but a comment', '# later\n', /^line 1, column 1: /],
  ['is no YAML', `${head}  - name: [`, /^line 3, column \d+: /],
  [
    'misspells a member',
    `${head}  - name: a\n    allow: true\n    wehn: {}\n`,
    /^line 5, column 5: rules\.0\.wehn: there is no such member/,
  ],
  [
    'names an unknown risk',
    `${head}  - name: a\n    when:\n      risk: [mild]\n    allow: true\n`,
    /^line 5, column 14: rules\.0\.when\.risk\.0/,
  ],
  [
    'names an unknown capability',
    `${head}  - {name: a, when: {capabilities: [unit.explode]}, allow: true}\n`,
    /^line 3, column 37: /,
  ],
  [
    'says both allow and deny',
    `${head}  - {name: a, allow: true, deny: {reason: because}}\n`,
    /^line 3, column 5: .*exactly one/,
  ],
  ['says nothing', `${head}  - {name: a}\n`, /exactly one/],
  [
    'uses a name twice',
    `${head}  - {name: a, allow: true}\n  - {name: a, allow: true}\n`,
    /^line 4, column 6: .*twice/,
  ],
  ['has a member twice', `${head}  - name: a\n    name: b\n    allow: true\n`, /^line 4, column 5: .*unique/],
  ['lets a viewer decide', `${head}  - {name: a, ask: {from: [viewer]}}\n`, /^line 3/],
  ['waits for ever', `${head}  - {name: a, ask: {expires: 90d}}\n`, /from 5s to 24h/],
  [
    'names a zone that is not',
    `${head}  - {name: a, when: {time: {from: "01:00", to: "02:00", zone: Mars/Base}}, allow: true}\n`,
    /time zone/,
  ],
  ['is of another format', 'format: countersign-policy/9\nrules: []\n', /^line 1, column 1: format/],
  ['is empty', '', /^line 1, column 1/],
];
for (const [what, text, says] of bad)
  test(`when a policy ${what}, the problem names its place`, () => {
    assert.match(problemsOf(text)[0] ?? 'no problem', says);
  });

test('when a policy has several problems, all are told', () => {
  assert.equal(problemsOf(`${head}  - {name: a, allow: maybe}\n  - {name: B, allow: true}\n`).length >= 2, true);
});

test('when a policy is huge, it is refused before it is read', () => {
  assert.match(problemsOf('#'.repeat(300_000))[0] ?? '', /larger/);
});
