/** The gate: whether a grant is carried out here, refused, or known already. Everything is asked before anything is written. */
import {
  changesAgent,
  type Fault,
  fault,
  type Plan,
  type PlanDraft,
  type Preview,
  type SignedGrant,
} from '@countersign/protocol';
import { RULES_FILE } from '../capabilities/firewall/nft.ts';
import { SettingsProblem } from '../host/yaml.ts';
import type { Journal } from './journal.ts';
import type { ActionRecord } from './journal-index.ts';
import { judgePlan } from './judge-plan.ts';
import { defaultPolicy, type LocalPolicy } from './local-policy.ts';
import type { RunPorts } from './run-ports.ts';
import { verifyGrant } from './verify-grant.ts';

/** What else runs, so that two actions do not work on the same thing. */
export interface Gate {
  readonly ports: Pick<RunPorts, 'clock' | 'policy' | 'serverId' | 'serverName' | 'controlPlaneKey'>;
  readonly journal: Journal;
  /** What each running action works on. */
  readonly running: ReadonlyMap<string, { readonly subjects: readonly string[] }>;
}

export type Verdict =
  | { readonly verdict: 'start'; readonly policy: LocalPolicy }
  /** `final`: the refusal is worth remembering, so that the same grant is never carried out later. */
  | { readonly verdict: 'refuse'; readonly fault: Fault; readonly final: boolean }
  | { readonly verdict: 'known'; readonly record: ActionRecord };

const RUNNING_MAX = 64;
/** What a restart works on, and a change of the agent, which ends the runner: nothing else may be under way. */
const WHOLE_SERVER = 'the whole server';
/** What a change works on that no parameter names. */
const ALONE: Readonly<Record<string, readonly string[]>> = {
  'conntrack.raise': ['the table of connections'],
  'firewall.apply': [`path ${RULES_FILE}`],
  'host.reboot': [WHOLE_SERVER],
  'resolver.fix': ['the resolver'],
  'ssh.harden': ['the settings of sshd'],
  'swap.add': ['swap'],
  'swap.cycle': ['swap'],
  'time.resync': ['the clock'],
};

/** Judges a grant. `skewMs` is how far this clock is off by the link's measure. Never rejects, changes nothing. */
export function accept(gate: Gate, signed: SignedGrant, skewMs: number | null): Verdict {
  const { ports, journal } = gate;
  const policy = policyOr(ports);
  const { approvals, lock, commands } = policy instanceof SettingsProblem ? defaultPolicy : policy;
  const verified = verifyGrant(signed, { ...ports, now: ports.clock.now(), skewMs, approvals, lock, commands });
  if (!verified.genuine && verified.fault) return { verdict: 'refuse', fault: verified.fault, final: false };
  const record = journal.find(signed.grant.actionId);
  if (record !== undefined) return known(record, signed);
  const refused =
    verified.fault ??
    (policy instanceof SettingsProblem ? unreadable(ports.serverName, policy) : judgePlan(policy, signed.grant.plan)) ??
    busy(gate, signed.grant.plan);
  const isReadable = !(policy instanceof SettingsProblem);
  if (refused) return { verdict: 'refuse', fault: refused, final: verified.notable && isReadable };
  return { verdict: 'start', policy: policy as LocalPolicy };
}

/**
 * What a plan works on: units, files and folders, and the units and containers that the server found behind other names, such as
 * those of an app or a Compose project. Of commands nobody can say; whoever approves them knows what else runs.
 */
export function subjectsOf(plan: Pick<PlanDraft, 'steps' | 'undo'> & { readonly preview?: Preview }): string[] {
  const subjects = [...plan.steps, ...plan.undo].flatMap(({ capability, parameters }) => [
    ...(changesAgent(capability) ? [WHOLE_SERVER] : []),
    ...(ALONE[capability] ?? []),
    ...(capability.startsWith('apt.') ? ['the packages'] : []),
    ...(capability === 'log.rotate' ? ['logrotate'] : []),
    ...(capability.startsWith('local.') ? [`command local.${String(parameters.name)}`] : []),
    ...['unit', 'path', 'root', 'app', 'container', 'project', 'namespace'].flatMap((name) =>
      typeof parameters[name] === 'string' ? [`${name} ${parameters[name]}`] : [],
    ),
  ]);
  const found = plan.preview?.witness.map(({ subject }) => subject).filter((it) => /^(unit|container) \S+$/.test(it));
  return [...new Set([...subjects, ...(found ?? [])])];
}

function policyOr(ports: Gate['ports']): LocalPolicy | SettingsProblem {
  try {
    return ports.policy();
  } catch (error) {
    if (error instanceof SettingsProblem) return error;
    throw error;
  }
}

/** A policy that cannot be read forbids: nobody guesses what its owner meant. */
export function unreadable(server: string, problem: SettingsProblem): Fault {
  return fault('server_policy_denies', { server, reason: problem.message }, problem);
}

function known(record: ActionRecord, { grant }: SignedGrant): Verdict {
  const tellable = record.grant !== null || record.refused !== null || record.result !== null;
  if (record.digest === grant.digest && tellable) return { verdict: 'known', record };
  return { verdict: 'refuse', fault: fault('grant_replayed'), final: false };
}

function busy({ ports, running }: Gate, plan: Plan): Fault | null {
  const mine = subjectsOf(plan);
  for (const [action, { subjects }] of running)
    if ([subjects, mine].some((all) => all.includes(WHOLE_SERVER)) || subjects.some((each) => mine.includes(each)))
      return fault('target_busy', { action, server: ports.serverName });
  return running.size >= RUNNING_MAX ? fault('agent_busy', { server: ports.serverName }) : null;
}
