/** By what a retried request is told from a new one: same caller, same operation, same arguments (fault F9). Pure. */
import { digestOf } from '@countersign/protocol/digest';
import type { Caller } from '../ports.ts';
import type { Wanted } from './wanted.ts';

/** The reason that a caller gives is no part of it: a model words it anew each time. */
export function requestKey(
  caller: Pick<Caller, 'person' | 'token' | 'session' | 'client'>,
  serverId: string,
  wanted: Wanted,
): string {
  return digestOf({
    person: caller.person.id,
    token: caller.token?.id ?? null,
    session: caller.session?.id ?? null,
    client: caller.client,
    server: serverId,
    wanted,
  });
}
