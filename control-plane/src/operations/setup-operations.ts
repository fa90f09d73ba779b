/** Operations that anybody may call: the first owner, signing in, accepting an invitation. */
import { acceptInvitation } from '../access/accept-invitation.ts';
import type { AccessCore } from '../access/access.ts';
import { setUp, setupNeeded } from '../access/set-up.ts';
import { forgetSetupLink } from '../access/setup-link.ts';
import { signIn } from '../access/sign-in.ts';
import type { SignedIn } from '../access/start-session.ts';
import { giveSession } from './give-session.ts';
import type { CallContext, Handlers } from './handler.ts';

type SetupHandlers = Pick<Handlers, 'getSetup' | 'setUp' | 'signIn' | 'acceptInvitation'>;

export interface SetupOperationsDeps extends AccessCore {
  readonly dataDir: string;
}

export function setupOperations(deps: SetupOperationsDeps): SetupHandlers {
  const answer = (signedIn: SignedIn, context: CallContext) => giveSession(deps, signedIn, context);
  return {
    getSetup: async () => ({ needed: await setupNeeded(deps) }),
    setUp: async (_caller, { cli, ...input }, context) => {
      const signedIn = await setUp(deps, { ...input, kind: cli ? 'cli' : 'dashboard' }, context);
      await forgetSetupLink(deps.dataDir);
      return answer(signedIn, context);
    },
    signIn: async (_caller, { cli, ...input }, context) =>
      answer(await signIn(deps, { ...input, kind: cli ? 'cli' : 'dashboard' }, context), context),
    acceptInvitation: async (_caller, { cli, ...input }, context) =>
      answer(await acceptInvitation(deps, { ...input, kind: cli ? 'cli' : 'dashboard' }, context), context),
  };
}
