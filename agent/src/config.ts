/**
 * Where the agent finds its settings: one YAML file that only the owner of the machine writes, and the few things that
 * systemd says in the environment. The only file that reads the environment. All problems of a file are named at once.
 */
import { dirname, join } from 'node:path';
import { publicKeySchema } from '@countersign/protocol';
import { z } from 'zod';
import { parseSettings, readSettings, SettingsProblem } from './host/yaml.ts';

/** Where the settings are on a server that was installed. */
export const CONFIG_FILE = '/etc/countersign/agent.yaml';

const absolute = z.string().regex(/^\/[^\0]*$/, 'an absolute path');
const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);

const urlSchema = z
  .url({ protocol: /^https?$/, error: 'an address such as https://countersign.example.org:7070' })
  .transform((url) => url.replace(/\/+$/, ''))
  .refine(
    (url) => url.startsWith('https:') || isLoopback(new URL(url).hostname),
    'plain http is for this machine only; use https',
  );

const fileSchema = z.strictObject({
  url: urlSchema,
  control_plane_key: publicKeySchema,
  tls_pin: z
    .string()
    .regex(/^sha256\/\/[A-Za-z0-9+/]{43}=$/, 'sha256// and 44 base64 characters')
    .optional(),
  ca_file: absolute.optional(),
  proxy: z.url({ protocol: /^http$/, error: 'an address such as http://proxy.example.org:3128' }).optional(),
  state_dir: absolute.optional(),
  runner_state_dir: absolute.optional(),
  runner_socket: absolute.optional(),
  policy_file: absolute.optional(),
});

export interface AgentConfig {
  readonly file: string;
  readonly url: string;
  readonly controlPlaneKey: string;
  /** `sha256//…`: the key of the control plane's certificate, in place of certificate authorities. */
  readonly tlsPin: string | null;
  readonly caFile: string | null;
  readonly proxy: string | null;
  /** The link's own folder. */
  readonly stateDir: string;
  readonly runnerStateDir: string;
  /** Where the runner listens, or `null`: then the link starts it as its child. */
  readonly runnerSocket: string | null;
  readonly policyFile: string;
}

/** The name of the settings file: what `--config` or `--state` say, `COUNTERSIGN_AGENT_CONFIG`, or the installed one. */
export function configFile(given: {
  readonly config?: string | undefined;
  readonly state?: string | undefined;
}): string {
  if (given.config !== undefined) return given.config;
  if (given.state !== undefined) return join(given.state, 'agent.yaml');
  return process.env.COUNTERSIGN_AGENT_CONFIG ?? CONFIG_FILE;
}

/** Reads the settings. Throws `SettingsProblem` when the file is missing, cannot be trusted or does not fit. */
export function readConfig(file: string): AgentConfig {
  const found = readSettings(file, fileSchema);
  if (found === null)
    throw new SettingsProblem(`there is no ${file}: enrol this server first (countersign-agent enroll --help)`);
  return configFrom(file, found);
}

/** What `enroll` was given, as the text of a settings file. Throws `SettingsProblem` when it does not fit. */
export function settingsText(
  file: string,
  given: {
    url?: string | undefined;
    cpKey?: string | undefined;
    tlsPin?: string | undefined;
    caFile?: string | undefined;
    proxy?: string | undefined;
  },
): string {
  const folder = dirname(file);
  const members = {
    url: given.url,
    control_plane_key: given.cpKey,
    tls_pin: given.tlsPin,
    ca_file: given.caFile,
    proxy: given.proxy,
    state_dir: join(folder, 'link'),
    runner_state_dir: join(folder, 'runner'),
    policy_file: join(folder, 'policy.yaml'),
  };
  const lines = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${JSON.stringify(value)}`],
  );
  const text = `# Written by \`countersign-agent enroll\`. What may happen here is decided in policy.yaml beside this file.\n${lines.join('\n')}\n`;
  parseSettings(text, fileSchema, 'the settings');
  return text;
}

function configFrom(file: string, found: z.output<typeof fileSchema>): AgentConfig {
  const folder = dirname(file);
  return {
    file,
    url: found.url,
    controlPlaneKey: found.control_plane_key,
    tlsPin: found.tls_pin ?? null,
    caFile: found.ca_file ?? null,
    proxy: found.proxy ?? null,
    stateDir: found.state_dir ?? join(folder, 'link'),
    runnerStateDir: found.runner_state_dir ?? join(folder, 'runner'),
    runnerSocket: found.runner_socket ?? null,
    policyFile: found.policy_file ?? join(folder, 'policy.yaml'),
  };
}

/** What the service manager says. */
export interface Surroundings {
  /** File descriptor of the listening socket that systemd handed over, or `null`. Source: sd_listen_fds(3). */
  readonly listenFd: number | null;
  /** Names the boot where `/proc` cannot. */
  readonly bootId: string | null;
  readonly enrolmentToken: string | null;
  /** The program that starts us, where that is more than Node and a file: the package's own script. */
  readonly self: string | null;
}

export function readSurroundings(): Surroundings {
  const { LISTEN_PID, LISTEN_FDS, COUNTERSIGN_BOOT_ID, COUNTERSIGN_TOKEN, COUNTERSIGN_SELF } = process.env;
  const ours = LISTEN_PID === String(process.pid) && LISTEN_FDS === '1';
  return {
    listenFd: ours ? 3 : null,
    bootId: COUNTERSIGN_BOOT_ID || null,
    enrolmentToken: COUNTERSIGN_TOKEN || null,
    self: COUNTERSIGN_SELF || null,
  };
}

/** For tests: the place at which this process dies, see `fail-points.ts`; `null` unless it was started so. */
export function readFailPoint(): string | null {
  return process.env.COUNTERSIGN_FAIL_POINT || null;
}
