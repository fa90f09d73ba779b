/** Who calls `/mcp`: an assistant with a token, never a person. */
import { fault } from '@countersign/protocol';
import type { AuthInfo } from '@modelcontextprotocol/server';
import type { FastifyRequest } from 'fastify';
import type { Caller } from '../ports.ts';
import type { Authenticate, Place } from './caller.ts';

/** A caller that came with a token. */
export type TokenCaller = Caller & { readonly token: NonNullable<Caller['token']> };

interface Extra {
  readonly caller: TokenCaller;
  readonly userAgent: string | null;
}

/**
 * The caller behind the bearer token of a request. Throws `origin_denied` for web pages and `unauthenticated` for everything
 * but a good token: a person's own session does not count, since what comes by `/mcp` must never be able to decide (T5).
 */
export async function tokenCallerOf(
  request: FastifyRequest,
  { authenticate, place }: { readonly authenticate: Authenticate; readonly place: Place },
): Promise<TokenCaller> {
  const { origin, authorization } = request.headers;
  // Pages have no business here, not even ours. Editors on Electron send origins of other schemes.
  if (origin !== undefined && /^(null|https?:)/i.test(origin))
    throw fault('origin_denied', { origin, expected: place.publicUrl });
  if (authorization === undefined) throw fault('unauthenticated');
  const caller = await authenticate({ authorization, ip: request.ip, userAgent: userAgentOf(request) });
  if (!caller?.token) throw fault('unauthenticated');
  return { ...caller, token: caller.token, via: 'mcp' };
}

/** What the SDK carries to the tools as `ctx.http.authInfo`, anew with each request. The secret itself stays out of it. */
export function authInfoOf(caller: TokenCaller, request: FastifyRequest): AuthInfo {
  const extra = { caller, userAgent: userAgentOf(request) } satisfies Extra;
  return { token: '', clientId: caller.token.id, scopes: [caller.token.scope], extra };
}

/** What {@link authInfoOf} put in. */
export function extraOf(authInfo: AuthInfo | undefined): Extra {
  if (!authInfo?.extra) throw new TypeError('a call reached the tools without its caller');
  return authInfo.extra as unknown as Extra;
}

const userAgentOf = (request: FastifyRequest) => request.headers['user-agent'] ?? null;
