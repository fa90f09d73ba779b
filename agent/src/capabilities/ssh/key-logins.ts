/**
 * Administrators who logged in with a key that still lets them in: what must be there before passwords go. Sources: passwd(5),
 * group(5), sshd(8) AUTHORIZED_KEYS, ssh-keygen(1).
 */
import { join } from 'node:path';
import { readTextOrNull } from '../../host/look.ts';
import type { ObserveContext } from '../capability.ts';
import { readLogins } from './auth-log.ts';
import type { SshdSettings } from './sshd-settings.ts';

/** A key that was not used for so long may be lost. */
const USED_WITHIN_MS = 30 * 86_400_000;
/** Members may become root. Names of Debian, Red Hat and old Ubuntu. */
const ADMIN_GROUPS = ['sudo', 'wheel', 'admin'];
const KEYS_MAX = 20;

export interface KeyLogin {
  readonly user: string;
  readonly at: number;
  readonly fingerprint: string;
}

/** The last login with a key of each administrator whose key is still taken, newest first. `null` when the log cannot be read. */
export async function readKeyLogins(context: ObserveContext, settings: SshdSettings): Promise<KeyLogin[] | null> {
  const logins = await readLogins(context, context.clock.now() - USED_WITHIN_MS);
  if (logins === null) return null;
  const homes = administrators(readTextOrNull('/etc/passwd') ?? '', readTextOrNull('/etc/group') ?? '');
  const found = new Map<string, KeyLogin>();
  const keys = new Map<string, readonly string[]>();
  for (const { user, at, fingerprint, method } of logins.toReversed()) {
    const home = homes.get(user);
    if (home === undefined || method !== 'publickey' || fingerprint === null || found.has(user)) continue;
    // Once a user: somebody may have logged in thousands of times with a key that is gone.
    const own = keys.get(user) ?? (await keysOf(context, settings, user, home));
    keys.set(user, own);
    if (own.includes(fingerprint)) found.set(user, { user, at, fingerprint });
  }
  return [...found.values()];
}

/** Names and homes of those who are root or may become it. */
export function administrators(passwd: string, group: string): Map<string, string> {
  const groups = group.split('\n').map((line) => line.split(':'));
  const admin = groups.filter(([name = '']) => ADMIN_GROUPS.includes(name));
  const members = new Set(admin.flatMap(([, , , list = '']) => list.split(',')).filter((name) => name !== ''));
  const ids = new Set(admin.map(([, , id]) => id));
  const users = passwd.split('\n').map((line) => line.split(':'));
  return new Map(
    users.flatMap(([name = '', , uid, gid, , home = '', shell = '']) =>
      (uid === '0' || members.has(name) || ids.has(gid)) && home.startsWith('/') && !/\/(nologin|false)$/.test(shell)
        ? [[name, home] as const]
        : [],
    ),
  );
}

/** Fingerprints of the keys that let a user in. */
async function keysOf(context: ObserveContext, settings: SshdSettings, user: string, home: string): Promise<string[]> {
  const patterns = (settings.authorizedkeysfile ?? '.ssh/authorized_keys').split(/\s+/);
  const found: string[] = [];
  for (const pattern of patterns) {
    if (pattern === 'none') continue;
    const named = pattern.replaceAll('%h', home).replaceAll('%u', user).replaceAll('%%', '%');
    const file = named.startsWith('/') ? named : join(home, named);
    const argv = ['ssh-keygen', '-l', '-f', file];
    const done = await context.exec({ argv, timeoutMs: 4000, signal: context.signal });
    found.push(...[...done.stdout.matchAll(/^\d+ (SHA256:\S+) /gm)].map(([, fingerprint = '']) => fingerprint));
  }
  return found.slice(0, KEYS_MAX);
}
