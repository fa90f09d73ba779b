/** The real Claude Code and the real Codex do the main job with the product's tools; only their model is scripted. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { fault } from '@countersign/protocol';
import { z } from 'zod';
import { runClaudeCode } from './claude-code.ts';
import { type ClientName, clientTest } from './client-test.ts';
import { runCodex } from './codex.ts';
import { type ProductApp, startProductApp, tokens } from './product-app.ts';
import type { ClientOutcome, ClientRun } from './run-client.ts';
import { inOrder, type Script } from './script.ts';

const assistants: { name: ClientName; title: string; run: (run: ClientRun) => Promise<ClientOutcome> }[] = [
  { name: 'claude', title: 'Claude Code', run: runClaudeCode },
  { name: 'codex', title: 'Codex with function tools', run: runCodex },
  { name: 'codex', title: 'Codex in code mode', run: (run) => runCodex({ ...run, tools: 'code' }) },
];

let app: ProductApp;
before(async () => {
  app = await startProductApp();
});
after(() => app.close());

const runOf = (script: Script): ClientRun => ({
  mcpUrl: app.mcpUrl,
  token: tokens.ada,
  prompt: 'nginx is down on web-1',
  script,
  timeoutMs: 150_000,
});

const first = <T>(all: readonly T[]): T => {
  const [one] = all;
  assert.ok(one);
  return one;
};
/** What a model can read of a result: the structure as JSON, alone or (in code mode) inside the whole result. */
const structureOf = (json: unknown): unknown =>
  z.object({ structuredContent: z.unknown() }).safeParse(json).data?.structuredContent ?? json;
const listed = z.object({ servers: z.array(z.object({ name: z.string() })) });
const found = z.object({
  findings: z.array(
    z.object({ suggestions: z.array(z.object({ playbook: z.string(), parameters: z.record(z.string(), z.json()) })) }),
  ),
});
const asked = z.object({ action: z.string(), state: z.string(), next: z.string() });

for (const { name, title, run } of assistants) {
  clientTest(
    name,
    `when ${title} does the main job, it reads, asks, waits and gets the result of the human's decision`,
    async () => {
      const server = ({ results }: { results: { json: unknown }[] }) =>
        first(listed.parse(structureOf(results[0]?.json)).servers).name;
      let decided = '';
      const outcome = await run(
        runOf(
          inOrder([
            () => ({ calls: [{ tool: 'list_servers', arguments: {} }] }),
            (it) => ({
              calls: [{ tool: 'run_diagnostic', arguments: { server: server(it), description: 'nginx is down, 502' } }],
            }),
            (it) => {
              const { findings } = found.parse(structureOf(it.lastResults[0]?.json));
              const { playbook, parameters } = first(first(findings).suggestions);
              return { calls: [{ tool: 'run_playbook', arguments: { server: server(it), playbook, parameters } }] };
            },
            (it) => {
              const { action, state, next } = asked.parse(structureOf(it.lastResults[0]?.json));
              assert.equal(state, 'awaiting_approval');
              assert.match(next, /wait_s/);
              if (decided !== action) humanDecides(action);
              decided = action;
              return { calls: [{ tool: 'get_action', arguments: { action, wait_s: 50 } }] };
            },
            () => ({ text: 'nginx is back.' }),
          ]),
        ),
      );
      assert.equal(outcome.exitCode, 0, outcome.stderr);
      assert.match(outcome.stdout, /nginx is back\./);
      assert.deepEqual(
        outcome.toolCalls.map(({ tool }) => tool),
        ['list_servers', 'run_diagnostic', 'run_playbook', 'get_action'],
      );
      const last = asked.partial().parse(structureOf(outcome.toolResults.at(-1)?.json));
      assert.equal(last.state, 'succeeded');
    },
  );

  clientTest(name, `when a tool fails, the model of ${title} reads code, message and next step`, async () => {
    app.operations.answer('getServerStatus', () => fault('server_not_found', { server: 'web-9' }));
    const outcome = await run(
      runOf(inOrder([() => ({ calls: [{ tool: 'get_server_status', arguments: { server: 'web-9' } }] })])),
    );
    const text = outcome.toolResults[0]?.text ?? '';
    for (const part of ['server_not_found', 'There is no server web-9', 'Call list_servers'])
      assert.ok(text.includes(part), `${part} is missing in: ${text}`);
  });
}

/** Approves once the assistant waits, and the server acts. */
function humanDecides(action: string): void {
  const waits = () => {
    const last = app.operations.calls.at(-1);
    return last?.name === 'getAction' && Number(last.input.wait_s) > 0;
  };
  const look = setInterval(() => {
    if (!waits()) return;
    clearInterval(look);
    app.operations.move(action, 'approved');
    app.operations.move(action, 'succeeded');
  }, 20);
  look.unref();
}
