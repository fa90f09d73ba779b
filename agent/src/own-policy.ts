/** The policy of this server with what this agent adds to it: its own folders are closed. */
import type { AgentConfig } from './config.ts';
import { isRefused } from './host/own-files.ts';
import { SettingsProblem } from './host/settings-text.ts';
import { defaultPolicy, type LocalPolicy, readLocalPolicy } from './run/local-policy.ts';

/** The policy as an unprivileged process can know it: for what it reads itself and says of itself. */
export function policyOrDefault(config: AgentConfig): LocalPolicy {
  try {
    return policyWithOwnFolders(config);
  } catch (error) {
    if (error instanceof SettingsProblem || isRefused(error)) return defaultPolicy;
    throw error;
  }
}

/** Our own folders are never read or written on anybody's behalf, wherever they are. */
export function policyWithOwnFolders(config: AgentConfig): LocalPolicy {
  const policy = readLocalPolicy(config.policyFile);
  const own = [config.stateDir, config.runnerStateDir, config.file, config.policyFile];
  const readDenied = [...(policy.readDenied ?? policy.deniedPaths), ...own];
  return { ...policy, deniedPaths: [...policy.deniedPaths, ...own], readDenied };
}
