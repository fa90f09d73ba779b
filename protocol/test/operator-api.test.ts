import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { capabilities, pathSchema, unitSchema } from '../src/capabilities/index.ts';
import { errorCatalogue, errorCodes, fault } from '../src/errors.ts';
import { request } from '../src/operator-api/client.ts';
import { assistantOperations, operations } from '../src/operator-api/index.ts';

test('when the operations are listed, each has its own method and path, and every path member is in its input', () => {
  const seen = new Set<string>();
  for (const [name, { method, path, input }] of Object.entries(operations)) {
    const route = `${method} ${path.replace(/\{\w+\}/g, '{}')}`;
    assert.ok(!seen.has(route), `${name} repeats ${route}`);
    seen.add(route);
    for (const [, member] of path.matchAll(/\{(\w+)\}/g))
      assert.ok(Object.hasOwn(input.shape, member ?? ''), `${name}: ${member}`);
  }
});

test('when an operation is open to assistants, a token can call it, and none of them decides', () => {
  for (const [name, { access }] of Object.entries(assistantOperations)) {
    assert.ok(access === 'read' || access === 'request', name);
    assert.doesNotMatch(name, /approve|reject|decide|close|setUp|token/i);
  }
  for (const name of ['approveAction', 'rejectAction', 'stopAction', 'closeAction'] as const)
    assert.equal(operations[name].access, 'approver');
});

test('when schemas go into OpenAPI and MCP, each has a JSON Schema', () => {
  for (const { input, output } of Object.values(operations))
    for (const schema of [input, output]) z.toJSONSchema(schema, { io: 'input' });
  for (const { parameters, result } of Object.values(capabilities)) {
    z.toJSONSchema(parameters, { io: 'input' });
    z.toJSONSchema(result);
  }
});

test('when an operation is called over HTTP, its path takes the members that it names and the rest travels beside', () => {
  assert.deepEqual(request('getAction', { action: 'act_000000000000', wait_s: 5 }), {
    url: '/api/v1/actions/act_000000000000?wait_s=5',
    init: { method: 'GET' },
  });
  assert.deepEqual(request('runPlaybook', { server: 'a/b', playbook: 'x', parameters: {} }), {
    url: '/api/v1/servers/a%2Fb/playbooks/x',
    init: { method: 'POST', body: '{"parameters":{}}' },
  });
});

test('when an error is made, all its slots can be filled, its sentence ends, and nothing in a slot can break it', () => {
  for (const code of errorCodes) {
    const { sentence, next, status } = errorCatalogue[code];
    assert.match(sentence, /\.$/, code);
    assert.match(next, /\.$/, code);
    assert.ok(status >= 400 && status < 600, code);
  }
  assert.equal(fault('server_not_found', { server: 'a\u001b[2Jb\nc' }).message, 'There is no server ab c.');
});

test('when a unit name could be read as an option or a path, it is refused', () => {
  for (const bad of ['-f', '--now', '../x', 'a/b', 'a b', 'a;b', '', '$(id)', 'a\nb'])
    assert.equal(unitSchema.safeParse(bad).success, false, bad);
  assert.equal(unitSchema.parse('nginx'), 'nginx.service');
  assert.equal(unitSchema.parse('fstrim.timer'), 'fstrim.timer');
  assert.equal(unitSchema.parse('getty@tty1'), 'getty@tty1.service');
});

test('when a path climbs, repeats slashes or holds control characters, it is refused', () => {
  for (const bad of ['etc', '/etc/../root', '/./x', '/a//b', '/a\0b', '/a\nb', ''])
    assert.equal(pathSchema.safeParse(bad).success, false, bad);
  assert.equal(pathSchema.parse('/etc/nginx/'), '/etc/nginx');
});
