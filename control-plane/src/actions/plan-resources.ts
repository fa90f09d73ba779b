/** What a plan works on, so that two actions never work on the same thing at once. Pure. */
import type { PlanDraft, PlanStep } from '@countersign/protocol';

/** The things that a plan's steps touch (`unit nginx.service`, `path /etc/nginx/nginx.conf`), sorted, each once. */
export function planResources({ steps, undo }: Pick<PlanDraft, 'steps' | 'undo'>): string[] {
  return [...new Set([...steps, ...undo].map(resourceOf))].sort();
}

/** As one column holds them: a line each. */
export const joinResources = (resources: readonly string[]): string => resources.join('\n');

/** Whether two columns name a thing in common. */
export function shareResource(one: string, other: string): boolean {
  const things = new Set(one.split('\n'));
  return other.split('\n').some((thing) => things.has(thing));
}

function resourceOf({ capability, parameters }: PlanStep): string {
  const { unit, path, root, app, container, project, namespace, argv } = parameters;
  if (typeof unit === 'string') return `unit ${unit}`;
  if (typeof path === 'string') return `path ${path}`;
  if (typeof root === 'string') return `path ${root}`;
  if (typeof app === 'string') return `app ${app}`;
  if (typeof container === 'string') return `container ${container}`;
  if (typeof project === 'string') return `project ${project}`;
  if (typeof namespace === 'string') return `namespace ${namespace}`;
  // What a command touches cannot be known: only the very same command is kept from running twice at once.
  if (Array.isArray(argv)) return `command ${JSON.stringify(argv)}`;
  return capability.split('.')[0] ?? capability;
}
