/** Who is signed in, and what that person may do. */
import type { Role } from '@countersign/protocol/operator-api/index';
import { useSuspenseQuery } from '@tanstack/react-query';
import { query } from './queries.ts';

const roles: readonly Role[] = ['viewer', 'approver', 'owner'];

export const meQuery = { ...query('getMe', {}), staleTime: 60_000 };

/** The signed-in person. Only below routes that wait for it. */
export function useMe() {
  return useSuspenseQuery(meQuery).data;
}

/** Whether the signed-in person has at least this role. */
export function useMay(least: Role): boolean {
  return roles.indexOf(useMe().person.role) >= roles.indexOf(least);
}
