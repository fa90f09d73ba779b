/** A machine whose own agent may write below one folder, and an assistant that asks for that. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { sha256 } from '@countersign/protocol/digest';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { type Machine, makeMachine, password, until } from './processes.ts';

const program = resolve(import.meta.dirname, '../../../agent/src/main.ts');

export interface AgentMachine {
  readonly machine: Machine;
  /** A file that the agent may change. */
  readonly file: string;
  /** Name of the server. */
  readonly server: string;
  /** Runs `countersign-agent …` on the server; resolves with what it printed. */
  agent(...words: string[]): Promise<string>;
  /** Pins a lock file in the server's own policy, as its owner does, and starts everything again, so that it is known at once. */
  pin(lockFile: string): Promise<void>;
}

/** Starts the control plane with its agent, and makes Ada its owner. */
export async function machineWithAgent(context: TestContext): Promise<AgentMachine> {
  const machine = await makeMachine(context, { COUNTERSIGN_LOCAL_AGENT: 'act' });
  const folder = join(machine.dataDir, 'etc');
  const state = join(machine.dataDir, 'local-agent');
  for (const path of [folder, state]) mkdirSync(path, { mode: 0o700 });
  writeFileSync(join(state, 'policy.yaml'), `mode: observe\nread_roots: ["${folder}"]\nwrite_roots: ["${folder}"]\n`, {
    mode: 0o600,
  });
  const file = join(folder, 'app.ini');
  writeFileSync(file, '[http]\nworkers = 2\n');
  const controlPlane = await machine.start('start.ts');
  await machine.run(['setup', '--email', 'ada@example.org', '--password-stdin'], { input: password });
  // Enrolling connects for a moment, too: only the link that stays counts.
  const linked = (printed: string) => printed.includes('local_agent.link.connected');
  const online = async () =>
    linked(controlPlane.printed()) &&
    (await machine.run(['servers', '--json'])).json().servers?.[0]?.state === 'online';
  await until(online, controlPlane.printed);
  const { servers } = (await machine.run(['servers', '--json'])).json();
  const agent = async (...words: string[]) =>
    (await promisify(execFile)(process.execPath, [program, ...words, '--state', state])).stdout;
  return {
    machine,
    file,
    server: servers[0].name,
    agent,
    async pin(lockFile) {
      await agent('lock', 'pin', lockFile);
      await controlPlane.stop();
      const again = await machine.start('start.ts');
      const locked = async () =>
        linked(again.printed()) && (await machine.run(['servers', '--json'])).json().servers?.[0]?.locked === true;
      await until(locked, again.printed);
    },
  };
}

/** An assistant asks, with a token of its own, for new content of the file. */
export async function askByToken(machine: Machine, server: string, file: string, content: string): Promise<string> {
  const { secret } = (await machine.run(['token', 'create', '--name', 'Claude Code', '--json'])).json();
  const call = operatorClient({ base: machine.url, fetch, bearer: secret });
  const expected_sha256 = sha256(readFileSync(file));
  const { action } = await call('writeFile', { server, path: file, content, expected_sha256, reason: 'more traffic' });
  assert.equal(action?.state, 'awaiting_approval');
  return action?.id ?? '';
}
