/** From a credential to a caller. Reads the store on each request, so that what was ended is refused at once. */
import { isoTime, shorten, stripControl } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { Caller, Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { type FoundSession, sessionBySecret, touchSession } from './session.store.ts';
import { sessionLives } from './session-life.ts';
import { noteFirstCall } from './setting.store.ts';
import { tokenBySecret, touchToken } from './token.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'log'>;

export interface Credentials {
  /** The `Authorization` header. When it is there, nothing else counts. */
  readonly authorization?: string | undefined;
  /** The value of the session cookie. */
  readonly cookie?: string | undefined;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export const TOKEN_PREFIX = 'csr_';
export const CLI_SESSION_PREFIX = 'css_';
export const COOKIE_PREFIX = 'csw_';

/** How the stdio MCP server names the assistant that it serves. */
const STDIO_CLIENT = /^(.+) \(countersign-mcp\)$/;

const clean = (client: string) => shorten(stripControl(client), 100);

/** How often the time of last use is written, milliseconds. */
const TOUCH_MS = 60_000;

/**
 * Who calls, or null when the credential is missing, wrong, expired or ended. A cookie never carries a token and a bearer
 * header never a cookie, so that one cannot be smuggled in as the other (T5).
 */
export async function authenticate(deps: Deps, credentials: Credentials): Promise<Caller | null> {
  const { authorization, cookie, ip } = credentials;
  if (authorization === undefined)
    return cookie?.startsWith(COOKIE_PREFIX) ? bySession(deps, cookie, 'dashboard', ip) : null;
  const bearer = /^Bearer ([A-Za-z0-9_-]{20,200})$/i.exec(authorization)?.[1];
  if (bearer?.startsWith(TOKEN_PREFIX)) return byToken(deps, bearer, credentials);
  if (bearer?.startsWith(CLI_SESSION_PREFIX)) return bySession(deps, bearer, 'cli', ip);
  return null;
}

async function bySession(
  deps: Deps,
  secret: string,
  kind: FoundSession['kind'],
  ip: string | null,
): Promise<Caller | null> {
  const now = deps.clock.now();
  const found = await sessionBySecret(deps.db, sha256(secret));
  if (found === undefined || found.kind !== kind || !sessionLives(found, now)) return null;
  if (now - found.last_used_at >= TOUCH_MS) await quietly(deps, (trx) => touchSession(trx, found.id, now));
  return {
    person: { id: found.person_id, name: found.person_name, role: found.role },
    via: kind,
    token: null,
    session: { id: found.id, strength: found.strength },
    client: null,
    ip,
  };
}

async function byToken(deps: Deps, secret: string, { ip, userAgent }: Credentials): Promise<Caller | null> {
  const now = deps.clock.now();
  const found = await tokenBySecret(deps.db, sha256(secret));
  if (found === undefined || (found.expires_at !== null && found.expires_at <= now)) return null;
  const assistant = STDIO_CLIENT.exec(userAgent ?? '')?.[1] ?? null;
  const another = assistant !== null && clean(assistant) !== found.last_client;
  if (another || found.last_used_at === null || now - found.last_used_at >= TOUCH_MS)
    await noteTokenUse(deps, found, assistant);
  return {
    person: { id: found.person_id, name: found.person_name, role: found.role },
    via: 'api',
    token: { id: found.id, name: found.name, scope: found.scope },
    session: null,
    client: userAgent === null ? null : clean(assistant ?? userAgent),
    ip,
  };
}

/** Notes that a token was used, by which client program where that is known, and when its person's first call came. */
export async function noteTokenUse(
  deps: Deps,
  token: { readonly id: string; readonly person_id: string },
  client: string | null,
): Promise<void> {
  const now = deps.clock.now();
  await quietly(deps, async (trx) => {
    await touchToken(trx, token.id, now, client === null ? null : clean(client));
    await noteFirstCall(trx, token.person_id, isoTime(now));
  });
}

/** A note that may be lost: a busy store must not turn a valid caller away. */
async function quietly(deps: Deps, work: Parameters<typeof write<void>>[1]): Promise<void> {
  try {
    await write(deps.db, work, { attempts: 2 });
  } catch (error) {
    deps.log.warn('access.note_lost', { error: String(error) });
  }
}
