/** The command line of the agent: words in, one verb run, an exit code out. 0 done, 1 it did not work, 2 wrong words. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Fault, stripControl, systemClock } from '@countersign/protocol';
import { agentVersion, composeLink } from './compose.ts';
import { configFile, readConfig, readSurroundings } from './config.ts';
import { SettingsProblem } from './host/settings-text.ts';
import { CannotConnect } from './link/connect-socket.ts';
import { NotOurControlPlane, TurnedAway } from './link/handshake.ts';
import { keepLinked, type LinkState } from './link/link.ts';
import { writeStatus } from './link/status-file.ts';

const USAGE = `countersign-agent ${agentVersion}

  enroll     --url URL --cp-key KEY (--token TOKEN | --token-file FILE | --token-file -) [--tls-pin PIN] [--ca-file FILE]
             [--proxy URL] [--mode observe|act] [--state DIR | --config FILE]
             bind this server to a control plane; without --url the settings file has to be there
  link       keep the connection to the control plane (runs until it is told to end)
  runner     carry out what was approved; systemd or the link starts it
  status     [--wait SECONDS] whether the link is connected
  doctor     find out why it is not
  lock       whose signatures this server counts, as it follows them
  lock pin   FILE [--replace] [--check] [--policy FILE]
             lock this server: pin the lock in FILE (of \`countersign lock init\`) in its policy; --check only tries
  witness    what this server keeps of audit log and journal, signed, as JSON
  uninstall  remove the agent from this server
  revert     ACTION: take back what nobody confirmed in time; a timer of the server starts it
  probe      http URL [HOST] | body URL | tcp PORT | dns SERVERS NAMES | ntp SERVERS: one reading over the network

Every verb takes --config FILE (/etc/countersign/agent.yaml unless told) or --state DIR (DIR/agent.yaml).
`;

const options = {
  config: { type: 'string' },
  state: { type: 'string' },
  url: { type: 'string' },
  'cp-key': { type: 'string' },
  token: { type: 'string' },
  'token-file': { type: 'string' },
  'tls-pin': { type: 'string' },
  'ca-file': { type: 'string' },
  proxy: { type: 'string' },
  mode: { type: 'string' },
  wait: { type: 'string' },
  policy: { type: 'string' },
  replace: { type: 'boolean' },
  check: { type: 'boolean' },
  stdio: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>['values'];

/** What a verb is given. `self` is the argv that runs this program. */
interface Call {
  readonly values: Values;
  readonly words: readonly string[];
  readonly file: string;
  readonly self: readonly string[];
  readonly signal: AbortSignal;
}

/** Runs the program with its words. Resolves with the exit code. */
export async function cli(argv: readonly string[], self: readonly string[], signal: AbortSignal): Promise<number> {
  let parsed: ReturnType<typeof parseWords>;
  try {
    parsed = parseWords(argv);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(error.message);
  }
  const { values, positionals } = parsed;
  if (values.version) return print(agentVersion);
  const [verb = '', ...words] = positionals;
  if (values.help || verb === '') return print(USAGE.trimEnd());
  const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (run === undefined) return refuse(`there is no verb ${verb}`);
  const state = values.state === undefined ? undefined : resolve(values.state);
  const config = values.config === undefined ? undefined : resolve(values.config);
  try {
    return await run({ values, words, file: configFile({ config, state }), self, signal });
  } catch (error) {
    if (!isTheirs(error)) throw error;
    process.stderr.write(`countersign-agent: ${stripControl(error.message)}\n`);
    if (error instanceof TurnedAway) process.stderr.write(`  ${error.fault.body.next_step}\n`);
    return 1;
  }
}

const verbs: Record<string, (call: Call) => Promise<number>> = {
  enroll,
  link,
  runner,
  status,
  doctor,
  lock,
  witness,
  uninstall,
  probe,
  revert,
};

function parseWords(argv: readonly string[]) {
  return parseArgs({ args: [...argv], options, allowPositionals: true, strict: true });
}

async function enroll({ values, file }: Call): Promise<number> {
  const { mode } = values;
  if (mode !== undefined && mode !== 'observe' && mode !== 'act') return refuse('--mode is observe or act');
  const { enroll } = await import('./verbs/enroll.ts');
  const { url, token, proxy } = values;
  const enrolled = await enroll({
    file,
    mode,
    url,
    token,
    proxy,
    cpKey: values['cp-key'],
    tlsPin: values['tls-pin'],
    caFile: values['ca-file'],
    tokenFile: values['token-file'],
  });
  return print(`Enrolled as ${enrolled.serverName} (${enrolled.serverId}).`);
}

async function link({ file, self, signal }: Call): Promise<number> {
  const config = readConfig(file);
  const link = composeLink({ config, surroundings: readSurroundings(), self }, (state) =>
    noteState(config.stateDir, link.log, state),
  );
  try {
    await keepLinked(link, signal);
  } finally {
    link.dispose();
  }
  return 0;
}

function noteState(
  stateDir: string,
  log: { info(event: string, fields?: object): void; error(event: string, fields?: object): void },
  state: LinkState,
): void {
  log.info(`link.${state.state}`, { ...state });
  try {
    writeStatus(stateDir, { ...state, at: systemClock.now() });
  } catch (error) {
    // A full disk must not end the connection: it is how people learn of it.
    log.error('status.not_written', { error });
  }
}

async function runner({ values, file, self, signal }: Call): Promise<number> {
  const { runRunner } = await import('./compose-runner.ts');
  const streams = values.stdio ? { input: process.stdin, output: process.stdout } : null;
  await runRunner({ config: readConfig(file), surroundings: readSurroundings(), self }, streams, signal);
  return 0;
}

async function status({ values, file }: Call): Promise<number> {
  const { status } = await import('./verbs/status.ts');
  const { connected, lines } = await status(readConfig(file), Number(values.wait ?? 0) || 0);
  print(lines.join('\n'));
  return connected ? 0 : 1;
}

async function doctor({ file }: Call): Promise<number> {
  const { doctor } = await import('./verbs/doctor.ts');
  const findings = await doctor(file);
  for (const { what, ok, said, next } of findings) {
    print(`${ok ? 'ok     ' : 'WRONG  '} ${what}: ${said}`);
    if (next !== undefined && !ok) print(`         → ${next}`);
  }
  return findings.every(({ ok }) => ok) ? 0 : 1;
}

async function lock({ values, words, file }: Call): Promise<number> {
  const { followedLock, lockLines, pinLock, readLockFile } = await import('./verbs/lock.ts');
  const [verb, lockFile, ...more] = words;
  if (verb === undefined) {
    const config = readConfig(file);
    return print(lockLines(followedLock(config), config).join('\n'));
  }
  if (verb !== 'pin' || lockFile === undefined || more.length > 0) return refuse('it is `lock` or `lock pin FILE`');
  const { policy, replace = false, check: checkOnly = false } = values;
  const policyFile = policy === undefined ? readConfig(file).policyFile : resolve(policy);
  const written = pinLock({ policyFile, lock: readLockFile(resolve(lockFile)), replace, checkOnly });
  if (!written) return print(`Pinned in ${policyFile} already.`);
  return print(checkOnly ? `The lock can be pinned in ${policyFile}.` : `Pinned in ${policyFile}. In force at once.`);
}

async function witness({ file }: Call): Promise<number> {
  const { witness } = await import('./verbs/witness.ts');
  return print(JSON.stringify(witness(readConfig(file))));
}

async function uninstall({ file }: Call): Promise<number> {
  const { uninstall } = await import('./verbs/uninstall.ts');
  return print(await uninstall(readConfig(file)));
}

async function revert({ words: [action = ''], file, self, signal }: Call): Promise<number> {
  if (!/^act_[0-9a-z]{12}$/.test(action)) return refuse('revert takes the id of one action');
  const { runRevert } = await import('./compose-runner.ts');
  await runRevert({ config: readConfig(file), surroundings: readSurroundings(), self }, action, signal);
  return 0;
}

async function probe({ words }: Call): Promise<number> {
  const { probeFromWords } = await import('./host/probe.ts');
  try {
    return print(await probeFromWords(words, systemClock));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return refuse(error.message);
  }
}

/** Whether an error is about the surroundings and worded for people, rather than a defect of ours. */
function isTheirs(error: unknown): error is Error {
  if (error instanceof SettingsProblem || error instanceof CannotConnect || error instanceof RangeError) return true;
  if (error instanceof NotOurControlPlane || error instanceof TurnedAway || error instanceof Fault) return true;
  return error instanceof Error && 'syscall' in error;
}

function print(text: string): number {
  process.stdout.write(`${stripControl(text)}\n`);
  return 0;
}

function refuse(problem: string): number {
  process.stderr.write(`countersign-agent: ${stripControl(problem)}\nSee countersign-agent --help.\n`);
  return 2;
}
