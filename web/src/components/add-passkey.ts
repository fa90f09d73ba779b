/** Makes a passkey in the browser and has the control plane keep its public half. */
import type { Proof } from '@countersign/protocol/operator-api/index';
import { call } from '../api/client.ts';
import { makePasskey } from '../api/passkeys.ts';
import { useWork } from '../api/queries.ts';

export function useAddPasskey() {
  return useWork(
    async ({ name, proof }: { name: string; proof: Proof }) => {
      const { options } = await call('startPasskey', { proof });
      return call('addPasskey', { name: name.trim(), response: await makePasskey(options) });
    },
    ['listPasskeys', 'getMe', 'listPeople', 'getLock'],
  );
}
