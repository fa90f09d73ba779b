/** `countersign-agent enroll`: makes the key, binds it to a server with a one-use token, and remembers the server's name. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { availableCapabilities } from '../capabilities/available.ts';
import { agentVersion, factsOf, readCa } from '../compose.ts';
import { type AgentConfig, readConfig, readSurroundings } from '../config.ts';
import { failPoint } from '../fail-points.ts';
import { makeOwnFolder, readOwnFile, replaceOwnFile } from '../host/own-files.ts';
import { SettingsProblem } from '../host/yaml.ts';
import { dialer } from '../link/dial.ts';
import { handshake, type Welcome } from '../link/handshake.ts';
import { linkKey, writeIdentity } from '../link/identity.ts';
import { policyOrDefault } from '../own-policy.ts';
import { summaryOf } from '../run/local-policy.ts';
import { forgetServerName } from '../run/server-name.ts';
import { settingsText } from '../settings.ts';

export interface EnrollOptions {
  /** The settings file; written when `url` is given. */
  readonly file: string;
  readonly url?: string | undefined;
  readonly cpKey?: string | undefined;
  readonly tlsPin?: string | undefined;
  readonly caFile?: string | undefined;
  readonly proxy?: string | undefined;
  readonly token?: string | undefined;
  /** A file with the token, or `-` for standard input. */
  readonly tokenFile?: string | undefined;
  /** Makes a policy file that says so, unless there is one. */
  readonly mode?: 'observe' | 'act' | undefined;
}

const DIAL_MS = 30_000;
const TOKEN_BYTES_MAX = 1024;

/**
 * Enrols this server. Returns its name and id. Rejects with `SettingsProblem`, `CannotConnect`, `NotOurControlPlane` or
 * `TurnedAway`; the token is still good after the first three.
 */
export async function enroll(options: EnrollOptions): Promise<{ serverId: string; serverName: string }> {
  const token = readToken(options);
  const config = settle(options);
  const key = linkKey(config.stateDir);
  failPoint('enroll.before_hello');
  const { serverId, serverName } = await introduceWith(config, key, token);
  failPoint('enroll.before_identity');
  writeIdentity(config.stateDir, { serverId, serverName, publicKey: key.publicKey });
  forgetServerName(config.runnerStateDir);
  failPoint('enroll.after_identity');
  return { serverId, serverName };
}

function settle(options: EnrollOptions): AgentConfig {
  if (options.url !== undefined) {
    makeOwnFolder(dirname(options.file));
    replaceOwnFile(options.file, settingsText(options.file, options), 0o640);
  }
  const config = readConfig(options.file);
  if (options.mode !== undefined && !existsSync(config.policyFile))
    replaceOwnFile(
      config.policyFile,
      `# What this server lets Countersign do. Only its owner writes here.\nmode: ${options.mode}\n`,
      0o644,
    );
  return config;
}

async function introduceWith(
  config: AgentConfig,
  key: ReturnType<typeof linkKey>,
  enrolmentToken: string,
): Promise<Welcome> {
  const stop = new AbortController();
  const cancel = systemClock.after(DIAL_MS, () => stop.abort(new Error('no connection within 30 s')));
  const dial = dialer({ url: config.url, tlsPin: config.tlsPin, ca: readCa(config.caFile), proxy: config.proxy });
  const wire = await dial(stop.signal);
  cancel();
  const root = process.getuid?.() === 0 || config.runnerSocket !== null;
  const introduce = async () => ({
    enrolmentToken,
    enrolsOnly: true,
    agentVersion,
    facts: factsOf(systemClock, root, readSurroundings()),
    capabilities: availableCapabilities(),
    policy: summaryOf(policyOrDefault(config)),
    journalHead: null,
    witnessKey: null,
    witnessed: null,
  });
  const { controlPlaneKey } = config;
  const { welcome } = await handshake({ wire, key, controlPlaneKey, clock: systemClock, ids: systemIds, introduce });
  // The link connects right after this: the control plane must not take it for a second agent.
  const closed = new Promise<void>((resolve) =>
    wire.listen({ onFrame: () => undefined, onLife: () => undefined, onClose: () => resolve() }),
  );
  wire.close(1000, 'enrolled');
  await closed;
  return welcome;
}

function readToken({ token, tokenFile }: EnrollOptions): string {
  const text = tokenFile === undefined ? token : readTokenFile(tokenFile);
  const found = (text ?? readSurroundings().enrolmentToken ?? '').trim();
  if (/^[A-Za-z0-9_-]{10,200}$/.test(found)) return found;
  throw new SettingsProblem(
    found === ''
      ? 'no enrolment token was given: --token, --token-file or COUNTERSIGN_TOKEN'
      : 'the enrolment token is malformed: copy the whole command again',
  );
}

function readTokenFile(file: string): string {
  if (file === '-') return readFileSync(0, 'utf8').slice(0, TOKEN_BYTES_MAX);
  const found = readOwnFile(file, TOKEN_BYTES_MAX);
  if (found === null) throw new SettingsProblem(`there is no token file ${file}`);
  return found.bytes.toString('utf8');
}
