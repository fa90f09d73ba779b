/** Who did something, as the audit log keeps it. */
import type { Caller } from '../ports.ts';

export interface Who {
  readonly person: { readonly id: string; readonly name: string } | null;
  readonly token: { readonly id: string; readonly name: string } | null;
  /** What the client program calls itself: data, not proof. */
  readonly client: string | null;
  readonly ip: string | null;
  readonly by: 'person' | 'token' | 'system' | 'clock' | 'runner' | 'policy' | 'agent' | 'stranger';
}

/** Somebody or something that is no person: our own clock, the runner of a server, somebody unknown. */
export function whoIs(by: Exclude<Who['by'], 'person' | 'token'>, ip: string | null = null): Who {
  return { person: null, token: null, client: null, ip, by };
}

/** The caller of an operation: a person, or a token of theirs. */
export function whoOf(caller: Caller): Who {
  return {
    person: { id: caller.person.id, name: caller.person.name },
    token: caller.token && { id: caller.token.id, name: caller.token.name },
    client: caller.client,
    ip: caller.ip,
    by: caller.token ? 'token' : 'person',
  };
}

/** By which channel a caller acts, as the audit log and people name it. */
export function channelOf({ via }: Pick<Caller, 'via'>): string {
  return via === 'dashboard' ? 'web' : via;
}
