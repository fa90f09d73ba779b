/** What the control plane and the agents must agree on without a type: kinds of findings, and names of playbooks. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadLibrary } from '@countersign/playbooks';
import { rules } from '../../src/diagnostics/correlation-rules.ts';

const { playbooks } = await loadLibrary();
const folder = join(import.meta.dirname, '../../../agent/src/capabilities');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

test('when an agent suggests a playbook anywhere in its code, the library has it', () => {
  const named = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/\bplaybook: '([^']+)'/g)].map(([, id]) => ({ name, id: id ?? '' })),
  );
  assert.ok(named.length >= 15, 'it finds them');
  assert.deepEqual(
    named.filter(({ id }) => !playbooks.has(id)).map(({ name, id }) => `${name}: there is no playbook ${id}`),
    [],
  );
});

test('when a rule names a kind of finding, an agent sends it; when it names a playbook, the library has it', () => {
  const all = sources.map(({ text }) => text).join('\n');
  const made = [...all.matchAll(/kind: `([a-z0-9_]+\.[a-z0-9_]*)\$\{/g)].map(([, start]) => start ?? '');
  const isSent = (kind: string) =>
    (kind.endsWith('.') ? all.includes(`'${kind}`) : all.includes(`'${kind}'`)) ||
    made.some((start) => kind.startsWith(start));
  for (const { id, lead, parts, first } of rules) {
    const kinds = [...lead, ...parts.flatMap((part) => part.kinds)];
    assert.deepEqual(
      kinds.filter((kind) => !isSent(kind)),
      [],
      `rule ${id}`,
    );
    assert.deepEqual(
      first.filter((playbook) => !playbooks.has(playbook)),
      [],
      `rule ${id}`,
    );
  }
});
