/** `countersign-agent uninstall`: takes this server out of care, leaving nothing of ours behind. */
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type AgentConfig, CONFIG_FILE } from '../config.ts';
import { execute } from '../host/exec.ts';
import { SettingsProblem } from '../host/yaml.ts';
import { readStatus } from '../link/read-status.ts';

const INSTALLER = '/opt/countersign/current/install.sh';
const INSTALLER_MS = 120_000;

/** Removes settings, key, outbox and journal. Where the install script put us, the script takes everything away again. Returns what to print. */
export async function uninstall(config: AgentConfig): Promise<string> {
  if (config.file === CONFIG_FILE && existsSync(INSTALLER)) {
    const done = await execute({ argv: ['sh', INSTALLER, '--uninstall'], timeoutMs: INSTALLER_MS });
    if (done.exitCode !== 0)
      throw new SettingsProblem(`the install script could not remove everything: ${done.stderr.trim()}`);
    return done.stdout.trim();
  }
  if (readStatus(config.stateDir) !== null) throw new SettingsProblem('the link still runs: stop it first');
  for (const path of [config.stateDir, config.runnerStateDir, config.file])
    rmSync(path, { recursive: true, force: true });
  return `Removed ${config.stateDir}, ${config.runnerStateDir} and ${config.file}. ${config.policyFile} in ${dirname(config.policyFile)} is yours and stays.`;
}
