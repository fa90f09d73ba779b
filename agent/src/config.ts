/**
 * Where the agent finds its settings: one YAML file that only the owner of the machine writes, and the few things that
 * systemd says in the environment. The only file that reads the environment. What may stand in the file: `settings.ts`.
 */
import { dirname, join } from 'node:path';
import { type Form, fits } from '@countersign/protocol/form';
import { publicKeyPattern, tlsPinPattern } from '@countersign/protocol/key-patterns';
import { readSettingsText, SettingsProblem } from './host/settings-text.ts';
import { schemas } from './late.ts';
import type { Settings } from './settings.ts';

/** Where the settings are on a server that was installed. */
export const CONFIG_FILE = '/etc/countersign/agent.yaml';

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
  const text = readSettingsText(file);
  if (text === null)
    throw new SettingsProblem(`there is no ${file}: enrol this server first (countersign-agent enroll --help)`);
  return configFrom(file, plainSettings(text) ?? schemas().parseSettingsFile(text, file));
}

const likeText = (pattern: RegExp): Form => ({ is: 'text', like: [{ source: pattern.source, flags: '' }] });
const plainPath = likeText(/^\/[\w./-]*$/);
const plainForm: Form = {
  is: 'object',
  of: {
    url: likeText(/^(https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http:\/\/(localhost|127(\.\d{1,3}){3}))(:\d{1,5})?$/),
    control_plane_key: likeText(publicKeyPattern),
    tls_pin: likeText(tlsPinPattern),
    proxy: likeText(/^http:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?$/),
    ...{ ca_file: plainPath, state_dir: plainPath, runner_state_dir: plainPath },
    ...{ runner_socket: plainPath, policy_file: plainPath },
  },
  may: ['tls_pin', 'proxy', 'ca_file', 'state_dir', 'runner_state_dir', 'runner_socket', 'policy_file'],
};

/**
 * Settings as `enroll` and install.sh write them: comments, and members in quotes in which nothing has to be escaped. They are what
 * the schema makes of them too. `null` for any other text: a parser of YAML is more than a link needs to carry all the time.
 */
export function plainSettings(text: string): Settings | null {
  const found: Record<string, string> = {};
  for (const line of text.split('\n')) {
    if (/^(#[ -~]*)?$/.test(line)) continue;
    const [, name, value] = /^([a-z_]+): "([ !#-[\]-~]*)"$/.exec(line) ?? [];
    if (name === undefined || value === undefined || Object.hasOwn(found, name)) return null;
    found[name] = value;
  }
  if (!fits(plainForm, found)) return null;
  return [found.url, found.proxy].every((url) => url === undefined || URL.canParse(url)) ? (found as Settings) : null;
}

function configFrom(file: string, found: Settings): AgentConfig {
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
