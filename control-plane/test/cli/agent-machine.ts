/** A machine whose own agent may write below one folder, and an assistant that asks for that. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { sha256 } from '@countersign/protocol/digest';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { type Machine, makeMachine, password, until } from './processes.ts';

export interface AgentMachine {
  readonly machine: Machine;
  /** A file that the agent may change. */
  readonly file: string;
  /** Name of the server. */
  readonly server: string;
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
  await machine.cli(['setup', '--email', 'ada@example.org', '--password-stdin'], { input: password });
  const online = async () => (await machine.cli(['servers', '--json'])).json().servers?.[0]?.state === 'online';
  await until(online, controlPlane.printed);
  const { servers } = (await machine.cli(['servers', '--json'])).json();
  return {
    machine,
    file,
    server: servers[0].name,
    async pin(lockFile) {
      const path = join(state, 'policy.yaml');
      const lock = JSON.stringify(JSON.parse(readFileSync(lockFile, 'utf8'))); // JSON is YAML
      writeFileSync(path, `${readFileSync(path, 'utf8')}lock: ${lock}\n`, { mode: 0o600 });
      await controlPlane.stop();
      const again = await machine.start('start.ts');
      const locked = async () => (await machine.cli(['servers', '--json'])).json().servers?.[0]?.locked === true;
      await until(locked, again.printed);
    },
  };
}

/** An assistant asks, with a token of its own, for new content of the file. */
export async function askByToken(machine: Machine, server: string, file: string, content: string): Promise<string> {
  const { secret } = (await machine.cli(['token', 'create', '--name', 'Claude Code', '--json'])).json();
  const call = operatorClient({ base: machine.url, fetch, bearer: secret });
  const expected_sha256 = sha256(readFileSync(file));
  const { action } = await call('writeFile', { server, path: file, content, expected_sha256, reason: 'more traffic' });
  assert.equal(action?.state, 'awaiting_approval');
  return action?.id ?? '';
}
