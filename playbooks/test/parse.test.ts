import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblem, parsePlaybook, playbookJsonSchema } from '@countersign/playbooks';

const GOOD = `id: demo.restart
version: 1
title: Restart {{unit}}
summary: A playbook for tests.
parameters:
  unit: { type: unit, summary: The unit. }
  port: { type: port, optional: true, summary: A port. }
steps:
  - id: restart
    capability: unit.restart
    parameters: { unit: "{{unit}}" }
check:
  probes:
    - capability: unit.state
      parameters: { unit: "{{unit}}" }
      expect: { active_state: { is: active } }
    - when: port
      capability: tcp.probe
      parameters: { port: "{{port}}" }
      expect: { open: { is: true } }
`;

const problems = (text: string) => (parsePlaybook(text, { file: 'demo.yaml' }).problems ?? []).map(formatProblem);
const first = (text: string) => problems(text)[0] ?? 'no problem';

test('when a playbook is right, what follows from it is derived', () => {
  const { playbook } = parsePlaybook(GOOD, { file: 'demo.yaml' });
  assert.ok(playbook);
  assert.deepEqual(
    [playbook.effect, playbook.risk, playbook.reversible, playbook.needsSystemd, playbook.check?.stable],
    ['mutate', 'medium', false, true, '10s'],
  );
  assert.match(playbook.sha256, /^[0-9a-f]{64}$/);
});

test('when the YAML is broken, line and column are named', () => {
  assert.match(first('id: a\n  b: [1'), /^demo\.yaml:\d+:\d+: /);
  assert.match(first(GOOD.replace('version: 1', 'version: 1\nversion: 2')), /^demo\.yaml:3:1: .*unique/i);
  assert.match(first('- a'), /^demo\.yaml:1:1: .*expected record|object/i);
  assert.match(first(''), /^demo\.yaml:1:1: /);
  assert.match(first(`x: ${'y'.repeat(70_000)}`), /over the limit/);
});

test('when the form is wrong, the key that is wrong is pointed at', () => {
  assert.match(first(GOOD.replace('version: 1', 'version: one')), /^demo\.yaml:2:1: version: /);
  const misspelt = problems(GOOD.replace('summary: A', 'sumary: A'));
  assert.deepEqual(misspelt, [
    'demo.yaml:1:1: summary: is missing',
    'demo.yaml:4:1: sumary: is no member of a playbook here',
  ]);
  assert.match(first(GOOD.replace('type: unit,', 'type: unti,')), /^demo\.yaml:6:(9|11): parameters\.unit/);
  assert.match(
    first(GOOD.replace('capability: unit.restart', 'capability: unit.destroy')),
    /^demo\.yaml:10:5: steps\.0\.capability: /,
  );
  assert.match(
    first(GOOD.replace('{ is: active }', '{ equals: active }')),
    /^demo\.yaml:16:\d+: check\.probes\.0\.expect\.active_state/,
  );
  assert.match(first(GOOD.replace('id: demo.restart', 'id: Demo Restart')), /^demo\.yaml:1:1: id: an id such as/);
});

test('T20: when a file calls its playbook as commands of owners are called, it is refused', () => {
  assert.match(first(GOOD.replace('id: demo.restart', 'id: local.restart')), /demo\.yaml:1:1: id: .*owner/);
  assert.equal(first(GOOD.replace('id: demo.restart', 'id: localhost.restart')), 'no problem');
});

test('when a reference leads nowhere or says more than a name, it is pointed at', () => {
  assert.match(
    first(GOOD.replace('"{{unit}}" }\ncheck', '"{{unti}}" }\ncheck')),
    /^demo\.yaml:11:19: .*there is no parameter unti/,
  );
  assert.match(first(GOOD.replace('title: Restart {{unit}}', 'title: Restart {{unit | upper}}')), /only \{\{name\}\}/);
  assert.match(first(GOOD.replace('    - when: port\n      capability', '    - capability')), /parameter|does not fit/);
  assert.match(
    first(GOOD.replace('title: Restart {{unit}}', 'title: Restart {{unit}} {{port}}')),
    /^demo\.yaml:3:1: .*port is optional/,
  );
  assert.match(first(GOOD.replace('when: port', 'when: unit')), /always given/);
  assert.match(first(GOOD.replace('    - when: port', '    - when: prot')), /there is no parameter prot/);
  assert.match(
    first(GOOD.replace('parameters:\n', 'parameters:\n  x: { type: text, summary: Nothing. }\n')),
    /^demo\.yaml:6:3: parameters\.x: is used nowhere/,
  );
});

test('when a part does not fit its capability, it is pointed at', () => {
  assert.match(
    first(GOOD.replace('unit.restart\n    parameters: { unit: "{{unit}}" }', 'unit.restart')),
    /unit\.restart: unit/,
  );
  assert.match(
    first(GOOD.replace('"{{unit}}" }\ncheck', '"{{unit}}", force: true }\ncheck')),
    /unit\.restart has no parameter force; it has unit/,
  );
  assert.match(
    first(GOOD.replace('active_state:', 'active:')),
    /unit\.state does not say active; it says exists, active_state/,
  );
  assert.match(first(GOOD.replace('unit: { type: unit,', 'unit: { type: text,')), /no problem/);
  assert.match(first(GOOD.replace('port: { type: port,', 'port: { type: text,')), /does not fit tcp\.probe/);
  assert.match(
    first(GOOD.replace('summary: A', 'risk: low\nsummary: A')),
    /^demo\.yaml:4:1: risk: must be at least medium/,
  );
  assert.match(
    first(
      GOOD.replace('check:', '  - { id: restart, capability: unit.reload, parameters: { unit: "{{unit}}" } }\ncheck:'),
    ),
    /used twice/,
  );
  assert.match(first(GOOD.replace(/check:[\s\S]*/, '')), /needs a check/);
  assert.match(first(`${GOOD}diagnostics: [{ diagnostic: overview }]\n`), /either steps .* or diagnostics/);
});

test('when a precondition compares readings, it is pointed at, since there is nothing yet to compare with', () => {
  for (const word of ['unchanged', 'as_before', 'no_more_than_before']) {
    const compares = `{ restarts: { ${word}: true } }`;
    assert.equal(first(GOOD.replace('{ active_state: { is: active } }', compares)), 'no problem');
    const probe = `{ capability: unit.state, parameters: { unit: "{{unit}}" }, expect: ${compares} }`;
    assert.match(
      first(GOOD.replace('steps:', `preconditions: [${probe}]\nsteps:`)),
      new RegExp(`^demo\\.yaml:8:\\d+: preconditions\\.0\\.expect\\.restarts: ${word} compares two readings`),
    );
  }
});

test('when anchors, aliases or tags are used, they are refused', () => {
  assert.match(first(GOOD.replace('summary: A playbook for tests.', 'summary: &a A playbook.')), /anchors and aliases/);
  assert.match(first(GOOD.replace('id: restart', 'id: !!js/function restart')), /tag/i);
  assert.match(first(`a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n`), /anchors and aliases/);
});

test('when bounds of a parameter cannot be met, that is a problem of the playbook', () => {
  const bounded = (spec: string) =>
    first(
      GOOD.replace('port: { type: port, optional: true, summary: A port. }', `port: ${spec}`).replace(
        'when: port\n      ',
        '',
      ),
    );
  assert.match(bounded('{ type: integer, minimum: 5, maximum: 4, summary: A port. }'), /no value can fit/);
  assert.match(bounded('{ type: integer, minimum: 5, default: 4, summary: A port. }'), /default: does not fit/);
  assert.match(bounded('{ type: integer, minimum: 80, maximum: 90, summary: A port. }'), /no problem/);
});

test('when an editor asks for the schema of the format, it is plain JSON Schema', () => {
  const schema = playbookJsonSchema() as { properties: Record<string, unknown>; required: string[] };
  assert.deepEqual(schema.required.toSorted(), ['id', 'summary', 'title', 'version']);
  assert.ok(schema.properties.steps);
  JSON.stringify(schema);
});
