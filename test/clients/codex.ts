import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clientBinary } from './client-test.ts';
import { startOpenaiStub } from './openai-stub.ts';
import { type ClientOutcome, type ClientRun, runClient } from './run-client.ts';

export { clientTest } from './client-test.ts';

export interface CodexRun extends ClientRun {
  /**
   * How Codex offers MCP tools to its model: `functions` (default) as older models and models that it does not know get
   * them, `code` as its present models do, which call tools from JavaScript.
   */
  tools?: 'functions' | 'code';
}

/** Runs the real `codex exec` against an MCP server, with a scripted model and a CODEX_HOME of its own. */
export async function runCodex(run: CodexRun): Promise<ClientOutcome> {
  const binary = clientBinary('codex');
  return runClient(run, startOpenaiStub, async (stub, home) => {
    await writeFile(join(home, 'config.toml'), config(stub.url, run));
    const argv = ['exec', '--skip-git-repo-check', '--json', run.prompt];
    return { binary, argv, env: { CODEX_HOME: home, MODEL_KEY: 'none', COUNTERSIGN_TOKEN: run.token } };
  });
}

/**
 * `default_tools_approval_mode` lets every tool of this server run unasked: Codex itself would refuse, where nobody can be
 * asked, each tool that is not marked as reading or as neither destructive nor open to the world. The output limit is
 * that of its present models.
 */
function config(modelUrl: string, run: CodexRun): string {
  return `
model = "scripted"
model_provider = "scripted"
approval_policy = "never"
sandbox_mode = "read-only"
check_for_update_on_startup = false
tool_output_token_limit = 10000
[analytics]
enabled = false
[features]
code_mode = ${run.tools === 'code'}
code_mode_only = ${run.tools === 'code'}
[model_providers.scripted]
name = "scripted"
base_url = ${JSON.stringify(`${modelUrl}/v1`)}
env_key = "MODEL_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
supports_websockets = false
[mcp_servers.countersign]
url = ${JSON.stringify(run.mcpUrl)}
bearer_token_env_var = "COUNTERSIGN_TOKEN"
default_tools_approval_mode = "approve"
required = true
startup_timeout_sec = 90
`;
}
