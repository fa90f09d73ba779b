/** Whether the server's own policy lets a plan happen here. Asked before people are (at preview) and again before the start. */
import {
  capability,
  changesAgent,
  Fault,
  fault,
  invalidInput,
  type Json,
  lockoutOfUnit,
  lockoutsFound,
  lockoutsOf,
  misplacedSecret,
  type PlanDraft,
  type PlanStep,
  type Preview,
  riskAtMost,
  secretsOf,
} from '@countersign/protocol';
import { ownArgv } from '@countersign/protocol/own-argv';
import type { OwnCommandPart } from '@countersign/protocol/own-command';
import { readingOf } from '@countersign/protocol/reading-commands/judge';
import { sessionRoots } from '../capabilities/disk/session-roots.ts';
import { refusedFound, refusedName } from './judge-names.ts';
import { isBelow, type LocalPolicy, nameAllowed } from './local-policy.ts';
import { isOwn, ownCommandOf, riskHere } from './own-risk.ts';
import { PROTECTED_UNITS } from './protected.ts';

const TMP_ROOTS = ['/tmp', '/var/tmp'];

/** Units that a change touches although no parameter names them: what the owner denies stays denied. */
const UNITS_BEHIND: Readonly<Record<string, readonly string[]>> = {
  'host.reboot': ['reboot.target'],
  'resolver.fix': ['systemd-resolved.service'],
  'ssh.harden': ['ssh.service', 'sshd.service'],
  'time.resync': ['systemd-timesyncd.service', 'chrony.service', 'chronyd.service'],
};

/** Says why the policy refuses a plan; `null` when it does not. Pure: paths are compared as text, capabilities look at links. */
export function judgePlan(policy: LocalPolicy, plan: PlanDraft & { readonly preview?: Preview }): Fault | null {
  const server = plan.server.name;
  if (policy.mode === 'observe') return fault('server_observe_only', { server });
  const risk = riskHere(policy, plan);
  if (!riskAtMost(risk, policy.maxRisk))
    return denied(server, `the risk is ${risk}, and it allows ${policy.maxRisk} at most`);
  if (plan.source.kind === 'playbook' && !nameAllowed(policy.playbooks, plan.source.id))
    return denied(server, `it does not allow playbook ${plan.source.id}`);
  for (const step of [...plan.steps, ...plan.undo]) {
    const refused = judgeStep(policy, step, server);
    if (refused !== null) return refused;
  }
  return judgeSecrets(policy, plan, server) ?? judgeAliases(policy, plan, server) ?? judgeLockout(policy, plan, server);
}

/** A unit may be asked for by an alias; what its owner denies stays denied by the name that the server gave at preview. */
function judgeAliases(policy: LocalPolicy, { preview }: { readonly preview?: Preview }, server: string): Fault | null {
  const units = { allow: ['*'], deny: policy.units.deny };
  const names = preview?.witness.flatMap(({ subject }) => /^unit (.*)$/s.exec(subject)?.[1] ?? []) ?? [];
  const refused = names.find((name) => !unitAllowed({ ...policy, units }, name));
  const found = refused === undefined ? refusedFound(policy, preview) : `unit ${refused}`;
  return found === null ? null : denied(server, `it does not allow ${found}`);
}

function judgeSecrets(policy: LocalPolicy, plan: PlanDraft, server: string): Fault | null {
  const steps = [...plan.steps, ...plan.undo];
  for (const step of steps) {
    const parameter = misplacedSecret(step);
    if (parameter !== null) return fault('secret_parameter', { parameter });
  }
  const name = secretsOf(steps).find((each) => !Object.hasOwn(policy.secrets, each));
  return name === undefined ? null : fault('secret_unknown', { server, name });
}

/**
 * What could lock everybody out needs an opened area and a plan that is taken back by itself. Computed here anew, by names and,
 * once there is a preview, by what links and aliases lead to: a control plane must not leave it out.
 */
function judgeLockout(
  policy: LocalPolicy,
  plan: PlanDraft & { readonly preview?: Preview },
  server: string,
): Fault | null {
  const found = [...lockoutsOf(plan), ...(plan.preview === undefined ? [] : lockoutsFound(plan.preview))];
  for (const { area, because } of found) {
    if (area === 'agent') return denied(server, because);
    if (!policy.lockout.includes(area)) return denied(server, `${because}, and its lockout does not open ${area}`);
    if (plan.confirm === null)
      return fault('grant_invalid', { reason: `${because}, and no human is asked to confirm it afterwards` });
  }
  return null;
}

function judgeStep(policy: LocalPolicy, step: PlanStep, server: string): Fault | null {
  const parsed = capability(step.capability).parameters.safeParse(step.parameters);
  if (!parsed.success) return invalidInput(parsed.error);
  if (changesAgent(step.capability) && !policy.agentChanges) return denied(server, 'its agent_changes are off');
  const { unit, path, root, app, argv, cwd, stdin, environment } = parsed.data as Record<string, Json>;
  if (step.capability === 'command.run') return judgeCommand(policy, step, [cwd, stdin, environment], server);
  if (step.capability === 'command.read') return judgeReading(policy, argv as string[], server);
  if (isOwn(step.capability)) return judgeOwn(policy, step, server);
  if (typeof app === 'string') return judgeApp(policy, app, server);
  if (typeof unit === 'string' && !unitAllowed(policy, unit)) return denied(server, `it does not allow unit ${unit}`);
  const behind = UNITS_BEHIND[step.capability]?.find((name) => !nameAllowed(policy.units, name));
  if (behind !== undefined) return denied(server, `it does not allow unit ${behind}`);
  const refused = refusedName(policy, parsed.data as Record<string, Json>);
  if (refused !== null) return denied(server, `it does not allow ${refused}`);
  if (typeof path === 'string') return judgePath(policy, path);
  const roots = step.capability === 'sessions.pack' ? sessionRoots(policy) : [...TMP_ROOTS, ...policy.tmpRoots];
  if (typeof root === 'string' && !roots.includes(root))
    return fault('path_denied', {
      path: root,
      reason: 'it is no temporary folder that the policy of the server names',
    });
  return null;
}

/** Only what the owner declared, and only when its unit or container may be touched as well. */
function judgeApp(policy: LocalPolicy, app: string, server: string): Fault | null {
  const declared = Object.hasOwn(policy.apps, app) ? policy.apps[app] : undefined;
  if (declared === undefined) return denied(server, `it declares no app ${app}`);
  const { unit, container } = declared;
  if (unit !== undefined && !unitAllowed(policy, unit)) return denied(server, `it does not allow unit ${unit}`);
  const refused = container === undefined ? null : refusedName(policy, { container });
  return refused === null ? null : denied(server, `it does not allow ${refused}`);
}

function judgeCommand(
  policy: LocalPolicy,
  step: PlanStep,
  /** Working folder, input, environment: with them a named command would be another one. */
  more: readonly (Json | undefined)[],
  server: string,
): Fault | null {
  if (policy.commands === false) return fault('commands_disabled', { server });
  if (policy.commands === true) return null;
  if (ownCommandOf(policy, step) === undefined || more.some((each) => each !== undefined))
    return denied(server, 'it allows only the commands that it names');
  return null;
}

/** By the same table as the control plane, but here it is this server that judges. */
function judgeReading(policy: LocalPolicy, argv: readonly string[], server: string): Fault | null {
  if (!policy.readingCommands) return denied(server, 'its reading_commands are off');
  return readingOf(argv, policy) === null ? denied(server, 'it is no command that is known to read only') : null;
}

function judgeOwn(policy: LocalPolicy, step: PlanStep, server: string): Fault | null {
  const command = ownCommandOf(policy, step);
  if (command === undefined) return denied(server, `it declares no command ${String(step.parameters.name)}`);
  const part = step.capability.slice('local.'.length) as OwnCommandPart;
  const argv = ownArgv(command, part, step.parameters.parameters as Readonly<Record<string, Json>>);
  return argv instanceof Fault ? argv : null;
}

/** The owner's own rule, and what is always protected. What could lock everybody out is judged by its area instead. */
function unitAllowed(policy: LocalPolicy, unit: string): boolean {
  if (!nameAllowed(policy.units, unit)) return false;
  return lockoutOfUnit(unit) !== null || nameAllowed({ allow: ['*'], deny: PROTECTED_UNITS }, unit);
}

function judgePath(policy: LocalPolicy, path: string): Fault | null {
  if (policy.deniedPaths.some((denied) => isBelow(path, denied)))
    return fault('path_denied', { path, reason: 'it is protected' });
  if (!policy.writeRoots.some((root) => isBelow(path, root)))
    return fault('path_denied', { path, reason: 'it is below none of the write_roots of the server' });
  return null;
}

const denied = (server: string, reason: string) => fault('server_policy_denies', { server, reason });
