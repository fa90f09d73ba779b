/** What a plan works on, so that two actions never work on the same thing at once. Pure. */
import { changesAgent, type PlanDraft, type PlanStep } from '@countersign/protocol';

/** The things that a plan's steps touch (`unit nginx.service`, `path /etc/nginx/nginx.conf`), sorted, each once. */
export function planResources({ steps, undo }: Pick<PlanDraft, 'steps' | 'undo'>): string[] {
  return [...new Set([...steps, ...undo].map(resourceOf))].sort();
}

/** What a restart works on, and a change of the agent, which ends its runner: nothing else may be under way. */
const WHOLE_SERVER = 'the whole server';

/** As one column holds them: a line each. */
export const joinResources = (resources: readonly string[]): string => resources.join('\n');

/** Whether two columns name a thing in common. */
export function shareResource(one: string, other: string): boolean {
  const [ours, theirs] = [one.split('\n'), other.split('\n')];
  if (ours.includes(WHOLE_SERVER) || theirs.includes(WHOLE_SERVER)) return true;
  return theirs.some((thing) => ours.includes(thing));
}

function resourceOf({ capability, parameters }: PlanStep): string {
  if (capability === 'host.reboot' || changesAgent(capability)) return WHOLE_SERVER;
  const { unit, path, root, app, container, project, namespace, argv } = parameters;
  if (typeof unit === 'string') return `unit ${unit}`;
  if (typeof path === 'string') return `path ${path}`;
  if (typeof root === 'string') return `path ${root}`;
  if (typeof app === 'string') return `app ${app}`;
  if (typeof container === 'string') return `container ${container}`;
  if (typeof project === 'string') return `project ${project}`;
  if (typeof namespace === 'string') return `namespace ${namespace}`;
  // What a command touches cannot be known: only the very same command is kept from running twice at once.
  if (capability.startsWith('local.')) return `command local.${String(parameters.name)}`;
  if (Array.isArray(argv)) return `command ${JSON.stringify(argv)}`;
  return capability.split('.')[0] ?? capability;
}
