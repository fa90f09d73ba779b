/** Who may call what: a pure table over the access levels of the operator API (ring 0). */
import type { ErrorCode } from '@countersign/protocol';
import type { Access, Role } from '@countersign/protocol/operator-api/index';
import type { Caller } from '../ports.ts';

const roles: readonly Role[] = ['viewer', 'approver', 'owner'];

/** Whether a role includes what another may do. */
export function roleAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(least);
}

/**
 * Whether the caller may call operations of this access; otherwise the code of the fault to answer with. A token never
 * passes as a person, whoever made it: it can read and ask, never decide (T5).
 */
export function mayCall(caller: Caller | null, access: Access): true | ErrorCode {
  if (access === 'public') return true;
  if (caller === null) return 'unauthenticated';
  if (access === 'read') return true;
  if (access === 'request') return caller.token === null || caller.token.scope === 'request' ? true : 'forbidden';
  if (caller.token !== null || caller.session === null) return 'forbidden';
  if (access === 'person') return true;
  return roleAtLeast(caller.person.role, access) ? true : 'forbidden';
}
