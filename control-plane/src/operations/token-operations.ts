/** Operations on tokens of assistants, and how to connect one. */
import { createToken } from '../access/create-token.ts';
import { revokeToken } from '../access/revoke-token.ts';
import { firstCallOf } from '../access/setting.store.ts';
import { liveTokens } from '../access/token.store.ts';
import { tokenView } from '../access/views.ts';
import type { AmendmentDeps } from '../amendments/make-amendment.ts';
import { othersMustAgree } from '../amendments/propose-amendment.ts';
import type { Handlers } from './handler.ts';

type TokenHandlers = Pick<Handlers, 'listTokens' | 'createToken' | 'revokeToken' | 'getConnect'>;

export interface TokenOperationsDeps extends AmendmentDeps {
  /** The command that starts the MCP server on stdio, on this machine. */
  readonly stdioCommand: string;
}

export function tokenOperations(deps: TokenOperationsDeps): TokenHandlers {
  return {
    // Owners see everybody's, since they may have to end one.
    listTokens: async ({ person }) => ({
      tokens: (await liveTokens(deps.db, person.role === 'owner' ? null : person.id)).map(tokenView),
    }),
    createToken: async (caller, { proof, ...input }) => {
      await othersMustAgree(deps, caller, { does: 'create_token', ...input }, proof);
      const { token, secret } = await createToken(deps, caller, input);
      return { token: tokenView(token), secret };
    },
    revokeToken: async (caller, { token }) => {
      await revokeToken(deps, caller, token);
      return { done: true };
    },
    getConnect: async ({ person }) => {
      const used = (await liveTokens(deps.db, person.id))
        .filter(({ last_client }) => last_client !== null)
        .toSorted((a, b) => (b.last_used_at ?? 0) - (a.last_used_at ?? 0));
      return {
        mcp_url: `${deps.place.publicUrl}/mcp`,
        stdio_command: deps.stdioCommand,
        first_call_at: await firstCallOf(deps.db, person.id),
        last_client: used[0]?.last_client ?? null,
      };
    },
  };
}
