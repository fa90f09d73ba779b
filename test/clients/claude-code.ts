import { startAnthropicStub } from './anthropic-stub.ts';
import { clientBinary } from './client-test.ts';
import { type ClientOutcome, type ClientRun, runClient } from './run-client.ts';

export { clientTest } from './client-test.ts';

/** Runs the real `claude -p` against an MCP server, with a scripted model and a home of its own. */
export async function runClaudeCode(run: ClientRun): Promise<ClientOutcome> {
  const binary = clientBinary('claude');
  return runClient(run, startAnthropicStub, async (stub, home) => {
    const countersign = { type: 'http', url: run.mcpUrl, headers: { Authorization: `Bearer ${run.token}` } };
    const argv = ['-p', run.prompt, '--output-format', 'stream-json', '--verbose', '--no-session-persistence'];
    argv.push('--strict-mcp-config', '--mcp-config', JSON.stringify({ mcpServers: { countersign } }));
    argv.push('--allowedTools', 'mcp__countersign');
    return { binary, argv, env: { ...ENVIRONMENT, ANTHROPIC_BASE_URL: stub.url, CLAUDE_CONFIG_DIR: home } };
  });
}

const ENVIRONMENT = {
  ANTHROPIC_API_KEY: 'none',
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
  DISABLE_AUTOUPDATER: '1',
  // Root is refused for some modes unless the machine says that it is a sandbox.
  IS_SANDBOX: '1',
  // The model is asked only once the server is connected, and sees its tools without searching for them.
  MCP_CONNECTION_NONBLOCKING: '0',
  MCP_CONNECT_TIMEOUT_MS: '90000',
  ENABLE_TOOL_SEARCH: 'false',
};
