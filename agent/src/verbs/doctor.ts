/** `countersign-agent doctor`: goes through everything a connection needs and says for each what is wrong and what mends it. */
import { accessSync, constants } from 'node:fs';
import { systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { readCa } from '../compose.ts';
import { type AgentConfig, readConfig } from '../config.ts';
import { SettingsProblem } from '../host/yaml.ts';
import { dialer } from '../link/dial.ts';
import { handshake } from '../link/handshake.ts';
import { linkKey, readIdentity } from '../link/identity.ts';
import { readStatus } from '../link/read-status.ts';
import { readLocalPolicy } from '../run/local-policy.ts';
import { standingOf } from './lock.ts';

export interface Diagnosis {
  readonly what: string;
  readonly ok: boolean;
  /** What was found. */
  readonly said: string;
  /** What to do, when it is not ok. */
  readonly next?: string;
}

const DIAL_MS = 15_000;

/** Examines this server. Never rejects; what it cannot look at is one of the findings. */
export async function doctor(file: string): Promise<Diagnosis[]> {
  const read = attempt('settings', 'run the install command again', () => {
    const config = readConfig(file);
    return { config, said: `${file}: ${config.url}` };
  });
  if (read.config === undefined) return [read.found];
  const { config } = read;
  return [
    read.found,
    attempt('policy', `mend the named lines of ${config.policyFile}`, () => {
      const policy = readLocalPolicy(config.policyFile);
      return {
        said: `mode ${policy.mode}, at most ${policy.maxRisk} risk, commands ${policy.commands === false ? 'off' : 'on'}`,
      };
    }).found,
    attempt('lock', 'read docs/local-policy.md on locked servers', () => ({ said: standingOf(config) })).found,
    attempt('identity', 'run the install command again with a new token', () => {
      const identity = readIdentity(config.stateDir);
      if (identity === null) throw new SettingsProblem('this server is not enrolled');
      return { said: `${identity.serverName} (${identity.serverId})` };
    }).found,
    attempt('state', `make ${config.stateDir} writable for the user that runs the link`, () => {
      accessSync(config.stateDir, constants.R_OK | constants.W_OK);
      return { said: `${config.stateDir} can be written` };
    }).found,
    await reach(config),
    runs(config),
  ];
}

class Proven extends Error {
  override readonly name = 'Proven';
}

/** Goes as far as the proof of the control plane, and says nothing of this server. */
async function reach(config: AgentConfig): Promise<Diagnosis> {
  const what = 'control plane';
  const stop = new AbortController();
  const cancel = systemClock.after(DIAL_MS, () => stop.abort(new Error('no answer within 15 s')));
  try {
    const dial = dialer({ url: config.url, tlsPin: config.tlsPin, ca: readCa(config.caFile), proxy: config.proxy });
    const wire = await dial(stop.signal);
    const introduce = () => Promise.reject(new Proven('enough'));
    const { controlPlaneKey } = config;
    await handshake({
      wire,
      key: linkKey(config.stateDir),
      controlPlaneKey,
      clock: systemClock,
      ids: systemIds,
      introduce,
    });
    return { what, ok: true, said: 'reachable' };
  } catch (error) {
    if (error instanceof Proven) return { what, ok: true, said: `${config.url} is reachable and holds the pinned key` };
    const said = error instanceof Error ? error.message : String(error);
    return {
      what,
      ok: false,
      said,
      next: 'look at the address, name resolution, the firewall and the proxy of this server; the control plane must be the one of the install command',
    };
  } finally {
    cancel();
  }
}

function runs(config: AgentConfig): Diagnosis {
  const found = readStatus(config.stateDir);
  if (found?.state === 'connected') return { what: 'link', ok: true, said: 'runs and is connected' };
  const said = found === null ? 'does not run' : `runs, not connected: ${found.why ?? found.state}`;
  return { what: 'link', ok: false, said, next: 'systemctl status countersign-link, journalctl -u countersign-link' };
}

function attempt<T extends { said: string }>(
  what: string,
  next: string,
  look: () => T,
): Partial<T> & { found: Diagnosis } {
  try {
    const seen = look();
    return { ...seen, found: { what, ok: true, said: seen.said } };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { found: { what, ok: false, said, next } } as Partial<T> & { found: Diagnosis };
  }
}
