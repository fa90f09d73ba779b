/** `countersign-agent status`: whether the link runs and is connected. */
import { delay, isoTime, systemClock } from '@countersign/protocol';
import type { AgentConfig } from '../config.ts';
import { isRefused } from '../host/own-files.ts';
import { SettingsProblem } from '../host/yaml.ts';
import { readIdentity } from '../link/identity.ts';
import { readStatus } from '../link/read-status.ts';
import type { LinkStatus } from '../link/status-file.ts';
import { standingOf } from './lock.ts';

const POLL_MS = 250;

/** Waits up to `waitS` seconds for a connection. Returns the lines to print and whether there is one. */
export async function status(config: AgentConfig, waitS: number): Promise<{ connected: boolean; lines: string[] }> {
  const deadline = systemClock.monotonic() + waitS * 1000;
  let found = readStatus(config.stateDir);
  while (found?.state !== 'connected' && systemClock.monotonic() < deadline) {
    await delay(systemClock, POLL_MS);
    found = readStatus(config.stateDir);
  }
  const identity = readIdentity(config.stateDir);
  const name = identity === null ? 'not enrolled' : `${identity.serverName} (${identity.serverId})`;
  return {
    connected: found?.state === 'connected',
    lines: [`server:  ${name}`, `control: ${config.url}`, `lock:    ${sayLock(config)}`, `link:    ${say(found)}`],
  };
}

function sayLock(config: AgentConfig): string {
  try {
    return standingOf(config);
  } catch (error) {
    if (error instanceof SettingsProblem || isRefused(error)) return `not known: ${(error as Error).message}`;
    throw error;
  }
}

function say(found: LinkStatus | null): string {
  if (found === null) return 'does not run';
  const since = `since ${isoTime(found.at)}`;
  if (found.state === 'connected') return `connected ${since}, clock ${((found.skewMs ?? 0) / 1000).toFixed(1)} s off`;
  return found.state === 'connecting' ? `connecting ${since}` : `waits to try again ${since}: ${found.why ?? ''}`;
}
