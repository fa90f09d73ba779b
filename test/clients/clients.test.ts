import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { runClaudeCode } from './claude-code.ts';
import { type ClientName, clientTest, findClient } from './client-test.ts';
import { runCodex } from './codex.ts';
import type { ClientOutcome, ClientRun } from './run-client.ts';
import { type SampleApp, startSampleApp } from './sample-app.ts';
import { inOrder, type Script } from './script.ts';

interface Assistant {
  name: ClientName;
  title: string;
  run: (run: ClientRun) => Promise<ClientOutcome>;
  /** The name that it gives itself over MCP. */
  mcpName: string;
}

const assistants: Assistant[] = [
  { name: 'claude', title: 'Claude Code', run: runClaudeCode, mcpName: 'claude-code' },
  { name: 'codex', title: 'Codex with function tools', run: runCodex, mcpName: 'codex-mcp-client' },
  {
    name: 'codex',
    title: 'Codex in code mode',
    run: (run) => runCodex({ ...run, tools: 'code' }),
    mcpName: 'codex-mcp-client',
  },
];

const servers = z.array(z.object({ id: z.string() }));
const restarted = z.object({ server: z.string(), caller: z.object({ user: z.string(), client: z.string() }) });

let app: SampleApp;
before(async () => {
  app = await startSampleApp();
});
after(async () => {
  await app.close();
});

const runOf = (script: Script, token = app.token): ClientRun => ({
  mcpUrl: app.url,
  token,
  prompt: 'nginx is down on web-1, restart it',
  script,
  timeoutMs: 150_000,
});

for (const { name, title, run, mcpName } of assistants) {
  clientTest(name, `when ${title} is asked, it reads, uses what it read in the next call, and finishes`, async () => {
    const prompts: string[] = [];
    const outcome = await run(
      runOf(
        inOrder([
          ({ prompt }) => {
            prompts.push(prompt);
            return { text: 'I look first.', calls: [{ tool: 'list_servers', arguments: {} }] };
          },
          ({ lastResults }) => {
            const server = servers.parse(lastResults[0]?.json)[0]?.id;
            return { calls: [{ tool: 'restart_service', arguments: { server, unit: 'nginx' } }] };
          },
          () => ({ text: 'nginx is back.' }),
        ]),
      ),
    );
    assert.equal(outcome.exitCode, 0, outcome.stderr);
    assert.match(outcome.stdout, /nginx is back\./);
    assert.deepEqual(prompts, ['nginx is down on web-1, restart it']);
    assert.deepEqual(
      outcome.toolCalls.map(({ tool }) => tool),
      ['list_servers', 'restart_service'],
    );
    const result = restarted.parse(outcome.toolResults[1]?.json);
    assert.equal(result.server, 'srv_1');
    assert.deepEqual(result.caller, { user: 'ada', client: mcpName });
  });

  clientTest(name, `when ${title} calls two tools at once and one fails, it gets both results`, async () => {
    const outcome = await run(
      runOf(
        inOrder([
          () => ({
            calls: [
              { tool: 'wait', arguments: { steps: 1 } },
              { tool: 'restart_service', arguments: { server: 'srv_9', unit: 'nginx' } },
            ],
          }),
        ]),
      ),
    );
    assert.deepEqual(
      outcome.toolResults.map(({ tool, text }) => ({ tool, text })),
      [
        { tool: 'wait', text: 'waited' },
        { tool: 'restart_service', text: 'There is no server srv_9. Ask list_servers.' },
      ],
    );
  });

  clientTest(name, `when a tool asks a question and nobody sits at ${title}, the answer is not yes`, async () => {
    const outcome = await run(
      runOf(inOrder([() => ({ calls: [{ tool: 'confirm_restart', arguments: { unit: 'nginx' } }] })])),
    );
    const answer = z.object({ action: z.enum(['decline', 'cancel']), confirm: z.null() });
    answer.parse(outcome.toolResults[0]?.json);
  });

  clientTest(name, `when the token is wrong, ${title} gets no tools and the run says so`, async () => {
    await assert.rejects(run(runOf(inOrder([]), 'token-of-nobody')), /never showed its model the tools/);
  });

  clientTest(
    name,
    `when the script calls a tool that ${title} was not offered, the run fails and names them`,
    async () => {
      const script = inOrder([() => ({ calls: [{ tool: 'approve', arguments: {} }] })]);
      await assert.rejects(run(runOf(script)), /calls approve, but the assistant offered: .*list_servers/);
    },
  );

  clientTest(name, `when its time is up, ${title} is killed`, async () => {
    const script = inOrder([() => ({ calls: [{ tool: 'wait', arguments: { steps: 2000 } }] })]);
    const outcome = await run({ ...runOf(script), timeoutMs: 2000 });
    assert.equal(outcome.exitCode, null);
  });
}

test('when no path leads to an assistant, it is not found', (t) => {
  const path = process.env.PATH;
  t.after(() => {
    process.env.PATH = path;
  });
  process.env.PATH = '';
  assert.equal(findClient('codex'), undefined);
});
