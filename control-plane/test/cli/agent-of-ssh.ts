/** A real ssh-agent with keys that a real ssh-keygen made. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { until } from './processes.ts';

/** A test with the programs of OpenSSH. Where they are missing it is skipped by name; with COUNTERSIGN_REQUIRE_ALL=1 it fails. */
export function sshTest(title: string, fn: (context: TestContext) => Promise<void>): void {
  const missing =
    spawnSync('ssh-agent', ['-h']).error === undefined ? null : 'ssh-agent is missing (Debian: openssh-client)';
  if (missing === null) test(title, fn);
  else if (process.env.COUNTERSIGN_REQUIRE_ALL === '1') test(title, () => assert.fail(missing));
  else test(title, { skip: missing });
}

export interface AgentOfSsh {
  readonly socket: string;
  /** Makes a key and gives it to the agent. */
  add(name: string, kind?: 'ed25519' | 'rsa'): { readonly file: string; readonly fingerprint: string };
  /** Takes every key away. */
  clear(): void;
}

/** Starts it; it ends with the test. */
export async function startSshAgent(context: TestContext): Promise<AgentOfSsh> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-ssh-'));
  const socket = join(folder, 'agent.sock');
  const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  context.after(async () => {
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  // The file is there a moment before anybody listens.
  await until(
    () => answers(socket),
    () => 'the ssh-agent does not listen',
  );
  const env = { PATH: process.env.PATH, SSH_AUTH_SOCK: socket };
  return {
    socket,
    add(name, kind = 'ed25519') {
      const file = join(folder, name);
      sshKey(file, { kind });
      execFileSync('ssh-add', ['-q', file], { env, stdio: 'ignore' });
      return { file, fingerprint: fingerprintOf(file) };
    },
    clear: () => void execFileSync('ssh-add', ['-q', '-D'], { env, stdio: 'ignore' }),
  };
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('error', () => resolve(false));
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
  });
}

/** Makes a key pair of OpenSSH. */
export function sshKey(file: string, { kind = 'ed25519', passphrase = '' } = {}): void {
  execFileSync('ssh-keygen', ['-q', '-t', kind, '-N', passphrase, '-C', 'a key', '-f', file]);
}

/** What ssh-keygen calls a key. */
export function fingerprintOf(file: string): string {
  return execFileSync('ssh-keygen', ['-l', '-f', file], { encoding: 'utf8' }).split(' ')[1] ?? '';
}
