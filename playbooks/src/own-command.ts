/** A command that a server's owner declared there, as a playbook that fits this one server. */
import type { OwnCommandView } from '@countersign/protocol/own-command';
import { type Playbook, playbookOf } from './playbook.ts';

/** Its id is `local.<name>`. What it starts is known on the server alone; its digest is that of the declaration there. */
export function ownPlaybook(command: OwnCommandView): Playbook {
  const { name, parameters, undoes, checks, summary } = command;
  const seconds = `${Math.round(command.timeoutMs / 1000)}s`;
  const given = Object.fromEntries(Object.keys(parameters).map((parameter) => [parameter, `{{${parameter}}}`]));
  const step = (id: 'run' | 'check' | 'undo') => ({
    id,
    capability: `local.${id}` as const,
    parameters: { name, parameters: given },
    timeout: seconds,
  });
  const file = {
    id: `local.${name}`,
    version: 1,
    title: `Run ${name}, a command of the server's owner`,
    summary,
    needs: [],
    risk: command.risk,
    parameters,
    preconditions: [],
    steps: [step('run'), ...(checks ? [step('check')] : [])],
    // Its check is a program too, so it runs as a step: when that fails, the undo runs.
    check: { settle: '0s', stable: '0s', probes: [] },
    undo: undoes ? [step('undo')] : [],
  };
  const { declaration: sha256, ...told } = command;
  return { ...playbookOf(file, `# declared in the policy of the server\n${JSON.stringify(told, null, 2)}\n`), sha256 };
}
