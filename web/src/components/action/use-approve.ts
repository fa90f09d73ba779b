/** Approves a plan: with the session, a code, or a passkey's signature over the digest that this page computed. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { call } from '../../api/client.ts';
import { useWork } from '../../api/queries.ts';
import { ownDigest, type Signing, signValue } from './signing.ts';

export interface Approving {
  readonly typedServer?: string;
  readonly code?: string;
  /** Given to sign with a passkey. */
  readonly signing?: Signing;
}

export function useApprove(action: ActionDetail) {
  return useWork(
    async ({ typedServer, code, signing }: Approving) => {
      const digest = await ownDigest(action);
      return call('approveAction', {
        action: action.id,
        digest,
        ...(typedServer === undefined ? {} : { typed_server: typedServer }),
        ...(code === undefined ? {} : { code }),
        ...(signing === undefined ? {} : { signature: (await signValue(action.plan, signing)).signature }),
      });
    },
    ['getAction', 'listActions', 'getOverview', 'listPasskeys'],
  );
}
