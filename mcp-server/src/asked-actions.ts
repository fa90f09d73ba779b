/** What prompts remember from one call to the next. One for each process: in the 2026 era every call has a server of its own. */
import { createRequestStateCodec, type RequestStateCodec } from '@modelcontextprotocol/server';

/** What a question was about; goes to the client signed and comes back with the answer. */
export interface AskedState {
  readonly action: string;
  readonly digest: string;
  readonly kind: 'url' | 'form';
}

export interface AskedActions {
  /** Whether this caller answered a question about the action already, in whatever way. */
  readonly has: (caller: string, actionId: string) => boolean;
  readonly add: (caller: string, actionId: string) => void;
  /** Signs and verifies the state of a question, bound to the caller and valid for ten minutes. */
  readonly codec: RequestStateCodec<AskedState>;
}

const KEPT = 2000;

/** `secret`: at least 32 random bytes as text. It need not outlive the process: a question that was open then is asked anew. */
export function makeAskedActions(secret: string): AskedActions {
  const asked = new Set<string>();
  const key = (caller: string, actionId: string) => `${caller} ${actionId}`;
  return {
    has: (caller, actionId) => asked.has(key(caller, actionId)),
    add: (caller, actionId) => {
      const [oldest] = asked;
      if (asked.size >= KEPT && oldest !== undefined) asked.delete(oldest);
      asked.add(key(caller, actionId));
    },
    codec: createRequestStateCodec<AskedState>({
      key: secret,
      ttlSeconds: 600,
      bind: (ctx) => `${ctx.mcpReq.method} ${ctx.http?.authInfo?.clientId ?? ''}`,
    }),
  };
}
