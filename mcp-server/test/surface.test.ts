/** The surface that clients see. A change of it is a change of the product: the golden file shows it to a reviewer. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { catalogue } from '../src/index.ts';
import { sampleOperations } from './sample-operations.ts';
import { send } from './serve.ts';

const GOLDEN = join(import.meta.dirname, 'golden/tools.json');
const TOKENS_MAX = 8000;

interface ListedTool {
  readonly name: string;
  readonly description: string;
  readonly annotations: Record<string, boolean>;
  readonly inputSchema: object;
  readonly outputSchema: object;
}

async function listed(surface: 'read' | 'request'): Promise<ListedTool[]> {
  const [answer] = await send(sampleOperations(), 'tools/list', {}, { surface });
  assert.ok(answer);
  return (answer.result as { tools: ListedTool[] }).tools;
}

test('when a client lists the tools, it sees what the golden file says', async () => {
  const now = await listed('request');
  if (process.env.COUNTERSIGN_RENEW_GOLDEN === '1') writeFileSync(GOLDEN, `${JSON.stringify(now, null, 2)}\n`);
  assert.deepEqual(
    now,
    JSON.parse(readFileSync(GOLDEN, 'utf8')),
    'the tool list changed; if that is meant, run this test with COUNTERSIGN_RENEW_GOLDEN=1, format and commit golden/tools.json',
  );
});

test('when a model gets the whole list, it takes under 8,000 tokens', async () => {
  const tokens = Math.ceil(JSON.stringify({ tools: await listed('request') }).length / 4);
  assert.ok(tokens < TOKENS_MAX, `tools/list takes about ${tokens} tokens: shorten descriptions or output schemas`);
});

test('when a token may only read, it does not see the tools that ask for a change', async () => {
  const names = (await listed('read')).map(({ name }) => name);
  const all = (await listed('request')).map(({ name }) => name);
  assert.deepEqual(
    all.filter((name) => !names.includes(name)),
    ['run_playbook', 'run_command', 'write_file', 'cancel_action'],
  );
});

test('when a tool is read off the list, its hints are as clients need them and it says what it is', async () => {
  for (const { name, annotations, description, inputSchema, outputSchema } of await listed('request')) {
    const asks = ['run_playbook', 'run_command', 'write_file', 'cancel_action'].includes(name);
    assert.deepEqual(
      annotations,
      { readOnlyHint: !asks, destructiveHint: false, idempotentHint: true, openWorldHint: false },
      name,
    );
    assert.ok(description.length >= 40 && description.length <= 320, `${name}: ${description.length} characters`);
    assert.equal('required' in outputSchema, false, `${name}: v1 clients hold errors against the schema of the result`);
    assert.equal((inputSchema as { additionalProperties?: boolean }).additionalProperties, false, name);
  }
});

test('when somebody looks for what people say, a description has the word', async () => {
  const all = (await listed('request')).map(({ name, description }) => `${name}: ${description}`).join('\n');
  for (const word of ['restart', 'disk full', '502', 'OOM', 'out of memory', 'CPU', 'nginx', 'logs', 'slow', 'crashed'])
    assert.match(all, new RegExp(word), `no description says "${word}"`);
});

test('when tools are counted, each has a file of its own name, and none decides', () => {
  const files = readdirSync(join(import.meta.dirname, '../src/tools')).filter((file) => file !== 'index.ts');
  const names = catalogue.map(({ name }) => name);
  assert.deepEqual(files.sort(), names.map((name) => `${name.replaceAll('_', '-')}.ts`).sort());
  assert.equal(names.length, 20);
  for (const name of names) assert.doesNotMatch(name, /approve|reject|decide|grant/, 'T5: no tool decides');
});
