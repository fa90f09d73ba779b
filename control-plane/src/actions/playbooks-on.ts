/** The playbooks that can be asked for on one server: those of this control plane, and the commands that the server's owner declared. */
import { ownPlaybook, type Playbook, type ServerAbilities } from '@countersign/playbooks';

/** The owner's commands are called `local.<name>`; no playbook of a file is. */
export function playbooksOn(
  library: ReadonlyMap<string, Playbook>,
  { policy }: Pick<ServerAbilities, 'policy'>,
): ReadonlyMap<string, Playbook> {
  const own = (policy?.ownCommands ?? []).map((command) => ownPlaybook(command));
  return own.length === 0 ? library : new Map([...library, ...own.map((playbook) => [playbook.id, playbook] as const)]);
}
