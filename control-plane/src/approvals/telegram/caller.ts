/** A linked person as the use cases and the audit log see them. */
import type { Who } from '../../audit/ledger.ts';
import type { Caller } from '../../ports.ts';
import type { LinkedPerson } from './link.store.ts';

/** Has no session, so the operations take it for reading only; what a tap may do besides goes to its use case. */
export function callerOf({ id, name, role }: Pick<LinkedPerson, 'id' | 'name' | 'role'>): Caller {
  return { person: { id, name, role }, via: 'telegram', token: null, session: null, client: 'Telegram', ip: null };
}

export function whoIsPerson({ id, name }: Pick<LinkedPerson, 'id' | 'name'>): Who {
  return { person: { id, name }, token: null, client: 'Telegram', ip: null, by: 'person' };
}
