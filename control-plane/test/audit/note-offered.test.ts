import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTools } from '@countersign/mcp-server';
import { digestOf } from '@countersign/protocol/digest';
import { noteOffered } from '../../src/audit/note-offered.ts';
import { heart } from '../actions/heart.ts';

test('T20: when the tools or playbooks that assistants are offered change, the audit log names which', async (t) => {
  const h = await heart(t);
  const tools = Object.fromEntries(describeTools().map(({ name, description }) => [name, digestOf(description)]));
  await noteOffered(h.deps, 'tools', tools);
  const first = (await h.lastDetails('tools.changed'))?.details;
  assert.deepEqual([first?.sha256, first?.sha256_before], [digestOf(tools), null]);
  assert.deepEqual(first?.added, Object.keys(tools));
  await noteOffered(h.deps, 'tools', { ...tools });
  const count = async () => (await h.events()).filter((event) => event === 'tools.changed').length;
  assert.equal(await count(), 1, 'nothing is written when nothing changed');

  const { cancel_action: _, ...fewer } = tools;
  await noteOffered(h.deps, 'tools', { ...fewer, run_command: digestOf('other words'), steal: digestOf('new') });
  const { sha256_before, added, changed, removed } = (await h.lastDetails('tools.changed'))?.details ?? {};
  assert.deepEqual(
    { sha256_before, added, changed, removed },
    { sha256_before: digestOf(tools), added: ['steal'], changed: ['run_command'], removed: ['cancel_action'] },
  );
  await noteOffered(h.deps, 'playbooks', { 'service.restart': digestOf('a') });
  assert.equal((await h.events()).filter((event) => event === 'playbooks.changed').length, 1);
});

test('T20: when a word of a tool changes, its digest does', () => {
  const [tool] = describeTools();
  assert.ok(tool);
  const described = tool.description as Record<string, string>;
  assert.notEqual(digestOf({ ...described, description: `${described.description} ` }), digestOf(described));
});
