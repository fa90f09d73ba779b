import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultPolicy } from '../../src/policy/default-policy.ts';
import { evaluate } from '../../src/policy/evaluate.ts';
import { describeProblem, parsePolicy } from '../../src/policy/parse.ts';
import type { Policy, PolicyFacts } from '../../src/policy/policy.ts';

const facts: PolicyFacts = {
  server: { name: 'web-1', labels: { env: 'production' } },
  playbook: 'service.restart',
  capabilities: ['unit.restart'],
  readingCommand: false,
  programs: [],
  risk: 'medium',
  person: { email: 'ana@example.org' },
  token: { name: 'laptop' },
  client: 'claude-code',
  at: Date.UTC(2026, 10, 20, 23, 30), // a Friday
};

function policy(rules: string): Policy {
  const parsed = parsePolicy(`format: countersign-policy/1\nrules:\n${rules}`);
  if (!('policy' in parsed)) throw new Error(parsed.problems.map(describeProblem).join('; '));
  return parsed.policy;
}
const verdict = (rules: string, changed: Partial<PolicyFacts> = {}) =>
  evaluate(policy(rules), { ...facts, ...changed });

test('when no rule matches, a human is asked', () => {
  const { verdict: said, rule } = verdict('  - {name: other, when: {playbooks: [disk.*]}, allow: true}');
  assert.deepEqual([said, rule], ['ask', 'no-rule']);
});

test('when two rules match, the first wins and says why', () => {
  const said = verdict(
    '  - {name: prod, when: {labels: {env: production}}, deny: {reason: frozen}}\n  - {name: all, allow: true}',
  );
  assert.deepEqual([said.verdict, said.rule], ['deny', 'prod']);
  assert.match(said.why, /label env=production.*frozen/);
});

test('when a rule allows, every step must be in its list; when it denies, one step is enough', () => {
  const two = { capabilities: ['unit.reload', 'file.write'] };
  const allow = '  - {name: reload, when: {capabilities: [unit.reload]}, allow: true}';
  assert.equal(verdict(allow, { capabilities: ['unit.reload'] }).verdict, 'allow');
  assert.equal(verdict(allow, two).verdict, 'ask');
  assert.equal(
    verdict('  - {name: no-files, when: {capabilities: [file.write]}, deny: {reason: no files}}', two).verdict,
    'deny',
  );
});

const conditions: [string, Partial<PolicyFacts>, boolean][] = [
  ['{servers: [web-*]}', {}, true],
  ['{servers: [db-*]}', {}, false],
  ['{servers: [web]}', {}, false],
  ['{labels: {env: staging}}', {}, false],
  ['{labels: {toString: x}}', {}, false],
  ['{playbooks: [service.restart]}', {}, true],
  ['{playbooks: ["*"]}', { playbook: null }, false],
  ['{risk: [low, medium]}', {}, true],
  ['{risk: [high]}', {}, false],
  ['{people: [Ana@example.org]}', {}, true],
  ['{people: [ben@example.org]}', {}, false],
  ['{tokens: [laptop]}', {}, true],
  ['{tokens: ["*"]}', { token: null }, false],
  ['{clients: [claude*]}', {}, true],
  ['{clients: [codex]}', { client: null }, false],
  ['{time: {from: "22:00", to: "06:00"}}', {}, true],
  ['{time: {from: "09:00", to: "17:00"}}', {}, false],
  ['{time: {from: "23:30", to: "23:31"}}', {}, true],
  ['{time: {from: "23:00", to: "23:30"}}', {}, false],
  ['{time: {from: "22:00", to: "06:00", days: [fri]}}', { at: Date.UTC(2026, 10, 21, 5) }, true],
  ['{time: {from: "22:00", to: "06:00", days: [sat]}}', { at: Date.UTC(2026, 10, 21, 5) }, false],
  ['{time: {from: "00:00", to: "01:00", zone: Europe/Berlin}}', {}, true],
  ['{servers: [web-1], risk: [high]}', {}, false],
];
for (const [when, changed, matches] of conditions)
  test(`when a rule has the condition ${when}, it ${matches ? 'matches' : 'does not match'} ${JSON.stringify(changed)}`, () => {
    assert.equal(verdict(`  - {name: r, when: ${when}, deny: {reason: because}}`, changed).verdict === 'deny', matches);
  });

test('when there is no policy file, each risk is asked for, the higher the stronger, and nothing is allowed by itself', () => {
  const parsed = parsePolicy(defaultPolicy);
  assert.ok('policy' in parsed);
  const asked = (['low', 'medium', 'high', 'critical'] as const).map((risk) => {
    const said = evaluate(parsed.policy, { ...facts, risk });
    return (
      said.verdict === 'ask' && [said.ask.strength, said.ask.channels.join(' '), said.ask.approvals, said.ask.expiresMs]
    );
  });
  assert.deepEqual(asked, [
    ['form', 'telegram web cli ide', 1, 900_000],
    ['tap', 'telegram web cli', 1, 900_000],
    ['session', 'telegram web cli', 1, 900_000],
    ['session', 'telegram web cli', 1, 900_000],
  ]);
});

const reading: Partial<PolicyFacts> = {
  playbook: null,
  capabilities: ['command.read'],
  readingCommand: true,
  risk: 'low',
};

test('T16: when a rule allows low risk and does not speak of reading commands, a reading command is asked for', () => {
  for (const when of [
    '{risk: [low]}',
    '{risk: [low, medium]}',
    '{capabilities: [command.read]}',
    '{servers: ["web-*"], risk: [low]}',
  ])
    assert.equal(verdict(`  - {name: small, when: ${when}, allow: true}`, reading).verdict, 'ask', when);
});

test('when a rule allows reading commands, one runs at once and every other command is asked for', () => {
  const rules = '  - {name: look, when: {reading_command: true}, allow: true}';
  assert.deepEqual(verdict(rules, reading), {
    verdict: 'allow',
    rule: 'look',
    why: 'Rule look allows it without asking (a command that only reads).',
  });
  const ordinary = { ...reading, capabilities: ['command.run'], readingCommand: false, risk: 'high' } as const;
  assert.equal(verdict(rules, ordinary).verdict, 'ask');
});

test('when a rule denies commands, it denies those that only read as well, wherever one allows them behind it', () => {
  const rules = `  - {name: none, when: {capabilities: [command.run]}, deny: {reason: No commands here.}}
  - {name: look, when: {reading_command: true}, allow: true}`;
  assert.equal(verdict(rules, reading).rule, 'none');
});

test("when a rule names a command of a server's owner, it holds for that one; local.run stands for all of them", () => {
  const own = { playbook: 'local.clear_cache', capabilities: ['local.clear_cache'], risk: 'medium' } as const;
  const named = '  - {name: own, when: {capabilities: [local.clear_cache]}, allow: true}';
  assert.equal(verdict(named, own).verdict, 'allow');
  assert.equal(verdict(named, { ...own, capabilities: ['local.drop_all'] }).verdict, 'ask');
  assert.equal(verdict('  - {name: own, when: {capabilities: [local.run]}, allow: true}', own).verdict, 'allow');
});
