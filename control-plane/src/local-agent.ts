/** The agent of this machine: taken under care on the first start in the ordinary way, then kept running beside the control plane. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { Fault } from '@countersign/protocol';
import { z } from 'zod';
import { whoIs } from './audit/ledger.ts';
import type { ControlPlane } from './compose.ts';
import type { Config } from './config/config.ts';
import { childEnv } from './config/env.ts';
import { writeWhole } from './config/secrets.ts';
import { addServer } from './fleet/add-server.ts';
import { makeEnrolmentToken } from './fleet/make-enrolment-token.ts';
import { serverById } from './fleet/server.store.ts';
import type { Log } from './ports.ts';
import { write } from './storage/write.ts';
import { supervise } from './supervise.ts';

const agentMain = resolve(import.meta.dirname, '../../agent/src/main.ts');

/**
 * Starts it. `modeGiven` is the mode that the operator named, which then holds; else the policy file beside it is left as it
 * is. Resolves to null when the owner took this machine out of care: it is not taken in again behind their back.
 */
export async function startLocalAgent(
  controlPlane: ControlPlane,
  modeGiven: Config['localAgent'] | null,
): Promise<AsyncDisposable | null> {
  const { config, core } = controlPlane;
  const state = join(config.dataDir, 'local-agent');
  await mkdir(state, { recursive: true, mode: 0o700 });
  await writePolicy(join(state, 'policy.yaml'), modeGiven);
  if (!(await takeUnderCare(controlPlane, state))) return null;
  return supervise(
    {
      name: 'local-agent',
      argv: [process.execPath, agentMain, 'link', '--state', state],
      env: childEnv({ TELEGRAM_BOT_TOKEN: undefined }),
      onLine: (line) => passOn(line, core.log),
    },
    core,
  );
}

const logLine = z.looseObject({ level: z.enum(['info', 'warn', 'error']), event: z.string() });

/** The agent's log lines become ours, with their level, so that what matters is seen on the terminal too. */
function passOn(line: string, log: Log): void {
  const parsed = logLine.safeParse(parsedJson(line));
  if (parsed.success) {
    const { level, event, at, ...fields } = parsed.data;
    log[level](`local_agent.${event}`, fields);
  } else log.warn('local_agent.said', { line });
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Makes sure that this machine is a server here with a bound key. False when its server was removed. */
async function takeUnderCare(
  { core, access, config, secrets, localUrl }: ControlPlane,
  state: string,
): Promise<boolean> {
  const kept = join(state, 'server-id');
  const id = existsSync(kept) ? (await readFile(kept, 'utf8')).trim() : null;
  const server = id === null ? undefined : await serverById(core.db, id);
  if (server?.state === 'revoked') return false;
  if (server?.state === 'enrolled' && existsSync(join(state, 'link', 'identity.json'))) {
    await followAddress(join(state, 'agent.yaml'), localUrl, secrets.tls?.localPin);
    return true;
  }
  const awaited = server
    ? await write(core.db, (trx) => makeEnrolmentToken(access, trx, server.id))
    : await addThisMachine(core);
  await writeWhole(kept, awaited.server.id);
  const pin = secrets.tls?.localPin;
  await runAgent(
    [
      ...['enroll', '--state', state, '--url', localUrl, '--cp-key', secrets.controlPlaneKey.publicKey],
      ...(pin === undefined ? [] : ['--tls-pin', pin]),
      ...['--token-file', '-'],
    ],
    `${awaited.token}\n`,
  );
  core.log.info('local_agent.enrolled', { server: awaited.server.name, mode: config.localAgent });
  return true;
}

/** The control plane may listen on another port than last time, and with a certificate of its own where it had none. */
async function followAddress(file: string, url: string, pin: string | undefined): Promise<void> {
  const before = (await readFile(file, 'utf8')).trimEnd();
  const pinned = pin === undefined ? '' : `\ntls_pin: ${JSON.stringify(pin)}`;
  const after = before.replace(/^tls_pin: .*\n/m, '').replace(/^url: .*$/m, `url: ${JSON.stringify(url)}${pinned}`);
  if (after !== before) await writeWhole(file, after);
}

async function addThisMachine(core: ControlPlane['core']) {
  const name = plainName(hostname());
  const labels = { local: 'true' };
  try {
    return await addServer(core, whoIs('system'), { name, labels });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'server_name_taken') throw error;
    return addServer(core, whoIs('system'), { name: `${name}.local`, labels });
  }
}

/** A host name in the form that servers have here. */
function plainName(host: string): string {
  const plain = host
    .toLowerCase()
    .replace(/[^a-z0-9.-]/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 50);
  return plain === '' ? 'this-machine' : plain;
}

/** The local policy. An owner's own lines stay; only the mode follows what the operator named. */
async function writePolicy(file: string, modeGiven: Config['localAgent'] | null): Promise<void> {
  const mode = modeGiven === 'act' ? 'act' : 'observe';
  if (!existsSync(file)) {
    const text = [
      '# What Countersign may do on this machine. Yours alone: nothing remote changes it.',
      '# observe: diagnostics only. act: changes too, each approved by a human.',
      `mode: ${mode}`,
      'max_risk: high',
      'commands: false',
    ];
    await writeWhole(file, text.join('\n'));
    return;
  }
  if (modeGiven === null) return;
  const before = (await readFile(file, 'utf8')).trimEnd();
  const after = /^mode:.*$/m.test(before) ? before.replace(/^mode:.*$/m, `mode: ${mode}`) : `mode: ${mode}\n${before}`;
  if (after !== before) await writeWhole(file, after);
}

async function runAgent(argv: readonly string[], input: string): Promise<void> {
  const child = spawn(process.execPath, [agentMain, ...argv], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: childEnv({ TELEGRAM_BOT_TOKEN: undefined }),
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-4000);
    });
  child.stdin.on('error', () => undefined); // it ended before it read the token; its exit code says why
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the agent of this machine could not be enrolled:\n${said}`);
}
