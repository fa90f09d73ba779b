/** Who sends a request, and where its session cookie is kept. */
import { fault } from '@countersign/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Credentials } from '../access/authenticate.ts';
import type { CallContext } from '../operations/handler.ts';
import type { Caller } from '../ports.ts';

/** Where the control plane is for those who talk to it. Known for good once it listens. */
export interface Place {
  /** Origin under which people and servers reach us. */
  readonly publicUrl: string;
  /** Whether that is https. */
  readonly secure: boolean;
}

export type Authenticate = (credentials: Credentials) => Promise<Caller | null>;

/** The header that our own pages and clients send, and that no page of another origin can send without being asked first (CORS). */
export const OWN_HEADER = 'x-countersign';

/** `__Host-` makes browsers refuse the cookie from anything but this very host over TLS (RFC 6265bis, section 4.1.3). */
export const cookieName = (place: Place) => (place.secure ? '__Host-countersign' : 'countersign');

/** The caller of a request, or null. A change that rests on the cookie alone must carry {@link OWN_HEADER}. */
export async function callerOf(
  request: FastifyRequest,
  { authenticate, place }: { authenticate: Authenticate; place: Place },
): Promise<Caller | null> {
  const { authorization } = request.headers;
  const cookie = request.cookies[cookieName(place)];
  const caller = await authenticate({ authorization, cookie, ...whence(request) });
  const safe = request.method === 'GET' || request.method === 'HEAD';
  if (caller?.via === 'dashboard' && !safe && request.headers[OWN_HEADER] === undefined)
    throw fault('origin_denied', { origin: `a page without the ${OWN_HEADER} header`, expected: place.publicUrl });
  return caller;
}

/** What is known of a call besides its input. Its signal fires when the other side goes away before the answer. */
export function contextOf(request: FastifyRequest, reply: FastifyReply, place: Place): CallContext {
  const gone = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new Error('the caller went away'));
  });
  const options = { path: '/', httpOnly: true, sameSite: 'strict', secure: place.secure } as const;
  return {
    signal: gone.signal,
    ...whence(request),
    cookie: {
      give: (secret, expiresAt) =>
        void reply.setCookie(cookieName(place), secret, { ...options, expires: new Date(expiresAt) }),
      take: () => void reply.clearCookie(cookieName(place), options),
    },
  };
}

function whence(request: FastifyRequest) {
  return { ip: request.ip, userAgent: request.headers['user-agent'] ?? null };
}
