import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ModelStub, RecordedRequest } from './model-stub.ts';
import type { Script, ToolCall, ToolResult } from './script.ts';

/** How to run one assistant against one MCP server. */
export interface ClientRun {
  /** The MCP endpoint, such as `http://127.0.0.1:7070/mcp`. */
  mcpUrl: string;
  /** The bearer token for it. */
  token: string;
  prompt: string;
  script: Script;
  /** Bound on the whole run in milliseconds. */
  timeoutMs: number;
  /** More environment for the assistant, such as a certificate to trust. */
  env?: Record<string, string>;
}

export interface ClientOutcome {
  /** Null where the assistant was killed because its time was up. */
  exitCode: number | null;
  stdout: string;
  stderr: string;
  /** The calls of the MCP server's tools in the model's conversation, in order. */
  toolCalls: ToolCall[];
  /** What the model got to read for them. */
  toolResults: ToolResult[];
  /** Everything the assistant asked its model API. */
  requests: RecordedRequest[];
}

type Finished = Pick<ClientOutcome, 'exitCode' | 'stdout' | 'stderr'>;

export interface ClientCommand {
  binary: string;
  argv: string[];
  env: Record<string, string>;
}

/**
 * Runs an assistant in an empty home of its own, with nothing of this machine's environment but PATH. When time is up it
 * is killed with all that it started, and the outcome says what happened until then.
 * Rejects where the script threw, where the stub did not understand the assistant, and where the assistant ended without
 * ever showing its model the tools of the MCP server (wrong token, unreachable).
 */
export async function runClient(
  run: ClientRun,
  startStub: (script: Script) => Promise<ModelStub>,
  prepare: (stub: ModelStub, home: string) => Promise<ClientCommand>,
): Promise<ClientOutcome> {
  const home = await mkdtemp(join(tmpdir(), 'countersign-client-'));
  const stub = await startStub(run.script);
  try {
    const command = await prepare(stub, home);
    const finished = await runProcess(command, home, run);
    const failure = stub.failure();
    if (failure) throw failure;
    const conversation = stub.conversation();
    if (!conversation && finished.exitCode !== null) throw neverAsked(finished);
    const { calls = [], results = [] } = conversation ?? {};
    return { ...finished, toolCalls: calls, toolResults: results, requests: stub.requests };
  } finally {
    await stub.close();
    await rm(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

function neverAsked({ exitCode, stdout, stderr }: Finished): Error {
  const what = `the assistant ended with ${exitCode} and never showed its model the tools of the MCP server`;
  return new Error([what, stderr, stdout].join('\n'));
}

function runProcess(command: ClientCommand, home: string, run: ClientRun): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.binary, command.argv, {
      cwd: home,
      env: { PATH: process.env.PATH ?? '', HOME: home, LANG: 'C.UTF-8', ...command.env, ...run.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const timer = setTimeout(() => killGroup(child.pid), run.timeoutMs);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('exit', () => {
      clearTimeout(timer);
      killGroup(child.pid);
    });
    child.on('close', (exitCode) => {
      resolve({ exitCode, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() });
    });
  });
}

/** Kills the assistant's process group, so that nothing it started outlives the test. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
