/** `countersign-agent witness`: what this server testifies of audit log and journal, for an auditor to carry away. */
import { type SignedWitness, systemClock } from '@countersign/protocol';
import type { AgentConfig } from '../config.ts';
import { SettingsProblem } from '../host/yaml.ts';
import { readJournal } from '../run/journal.ts';
import { serverName } from '../run/server-name.ts';
import { ServerWitness } from '../run/witness.ts';

/** The statement, signed with the runner's own key, without asking runner or control plane. Throws `SettingsProblem` or the system's error. */
export function witness(config: AgentConfig): SignedWitness {
  const { runnerStateDir: folder, stateDir, controlPlaneKey } = config;
  const name = serverName(folder, stateDir);
  if (name === null) throw new SettingsProblem('this server is not enrolled yet: run countersign-agent enroll');
  const { serverId } = name;
  const journal = readJournal(folder);
  return new ServerWitness({ folder, clock: systemClock, serverId, controlPlaneKey, journal }).statement();
}
