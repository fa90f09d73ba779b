/** Ends a token: the next call with it is refused. */
import { fault } from '@countersign/protocol';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import type { Caller } from '../ports.ts';
import { afterCommit } from '../storage/after-commit.ts';
import { write } from '../storage/write.ts';
import type { AccessCore } from './access.ts';
import { revokeTokenRow } from './token.store.ts';

/** People end their own tokens, owners everybody's. Rejects with `not_found`. */
export function revokeToken(
  deps: Pick<AccessCore, 'db' | 'clock' | 'accessEnded'>,
  caller: Caller,
  tokenId: string,
): Promise<void> {
  return write(deps.db, async (trx) => {
    const now = deps.clock.now();
    const whose = caller.person.role === 'owner' ? null : caller.person.id;
    const revoked = await revokeTokenRow(trx, tokenId, now, whose);
    if (revoked === undefined) throw fault('not_found', { what: 'token', id: tokenId });
    afterCommit(trx, () => deps.accessEnded({ tokenId }));
    await appendEntry(trx, { event: 'token.revoked', at: now, who: whoOf(caller), details: { name: revoked.name } });
  });
}
