/**
 * What sshd says of logins. Names in it are a stranger's own choice and may look like anything, so lines are read from their
 * ends, where sshd itself puts the address. Source: OpenSSH auth.c and packet.c.
 */
import { isIP } from 'node:net';
import type { ObserveContext } from '../capability.ts';
import { type JournalAnswer, type JournalLine, readJournal } from '../logs/journal.ts';

/** More than this of one attack tells nothing new. */
export const AUTH_LINES_MAX = 5000;

/** Only lines of root's own sshd: anybody may write to the system log in its name. */
const FROM_SSHD = ['_UID=0', '_COMM=sshd', '+', '_UID=0', '_COMM=sshd-session'];

export type AuthEvent = { readonly at: number; readonly address: string; readonly user: string } & (
  | { readonly kind: 'failed' }
  | {
      readonly kind: 'accepted';
      /** `publickey`, `password`, … */
      readonly method: string;
      /** `SHA256:…` of the key. */
      readonly fingerprint: string | null;
    }
);

export type Login = AuthEvent & { readonly kind: 'accepted' };

/** Lines of sshd, oldest first. `since` in milliseconds since 1970. */
export function readAuthLog(context: ObserveContext, since: number): Promise<JournalAnswer> {
  return readJournal(context, { matches: FROM_SSHD, since, lines: AUTH_LINES_MAX });
}

/** Who logged in since, oldest first, however many tried in vain; `null` when the log cannot be read. */
export async function readLogins(context: ObserveContext, since: number): Promise<Login[] | null> {
  const found = await readJournal(context, { matches: FROM_SSHD, since, lines: AUTH_LINES_MAX, grep: '^Accepted ' });
  return found.blind === null
    ? found.lines.flatMap(parseAuthLine).filter((event): event is Login => event.kind === 'accepted')
    : null;
}

/** What a line tells of a login or a try, if anything. */
export function parseAuthLine({ at, message }: Pick<JournalLine, 'at' | 'message'>): AuthEvent[] {
  const accepted =
    /^Accepted (\S+) for (\S+) from (\S+) port \d+ ssh2(?:: \S+ (SHA256:[A-Za-z0-9+/]+)(?: .*)?|: .*)?$/.exec(message);
  if (accepted !== null) {
    const [, method = '', user = '', address = '', fingerprint = null] = accepted;
    return isIP(address) === 0 ? [] : [{ kind: 'accepted', at, method, user, address, fingerprint }];
  }
  // A try without a password ends with the second kind of line, one with a password has the first as well.
  const failed =
    /^Failed (?!none )\S+ for (?:invalid user )?(.*) from (\S+) port \d+ ssh2(?:: \S+ SHA256:\S+)?$/s.exec(message) ??
    /^Connection (?:closed|reset) by (?:invalid|authenticating) user (.*) (\S+) port \d+ \[preauth\]$/s.exec(message);
  const [, user = '', address = ''] = failed ?? [];
  return isIP(address) === 0 ? [] : [{ kind: 'failed', at, user, address }];
}
