/** Whether the server's policy lets a plan touch the containers, Compose projects and namespaces that it names. Pure. */
import type { Json, Preview } from '@countersign/protocol';
import { type LocalPolicy, type NameRule, nameAllowed } from './local-policy.ts';
import { PROTECTED_CONTAINERS, PROTECTED_NAMESPACES } from './protected.ts';

/** Parameter, which is also the first word of a witness's subject → the owner's rule, and what is always protected. */
const kinds = {
  container: { rule: 'containers', shielded: PROTECTED_CONTAINERS },
  project: { rule: 'containers', shielded: PROTECTED_CONTAINERS },
  namespace: { rule: 'namespaces', shielded: PROTECTED_NAMESPACES },
} as const satisfies Record<string, { rule: keyof LocalPolicy; shielded: readonly string[] }>;

type Kind = keyof typeof kinds;

/** The first thing that a step names and may not touch: `container db`; `null` when it may touch all. */
export function refusedName(policy: LocalPolicy, parameters: Readonly<Record<string, Json>>): string | null {
  for (const kind of Object.keys(kinds) as Kind[]) {
    const name = parameters[kind];
    if (typeof name === 'string' && !allowed(kind, name, policy[kinds[kind].rule])) return `${kind} ${name}`;
  }
  return null;
}

/** The same for what the preview found behind the names: the containers of a project, the project of a container. */
export function refusedFound(policy: LocalPolicy, preview: Preview | undefined): string | null {
  for (const { subject } of preview?.witness ?? []) {
    const [, kind, name] = /^(container|project|namespace) (\S+)$/.exec(subject) ?? [];
    if (kind === undefined || name === undefined) continue;
    const { deny } = policy[kinds[kind as Kind].rule];
    if (!allowed(kind as Kind, name, { allow: ['*'], deny })) return subject;
  }
  return null;
}

function allowed(kind: Kind, name: string, rule: NameRule): boolean {
  return nameAllowed(rule, name) && nameAllowed({ allow: ['*'], deny: kinds[kind].shielded }, name);
}
