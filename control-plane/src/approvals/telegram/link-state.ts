/** How far the pairing of a person is. */
import { isoTime } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import type { Core } from '../../ports.ts';
import { CONFIRM_MS } from './confirm-link.ts';
import { linkOf, usableCode } from './link.store.ts';

type LinkState = OutputOf<'getTelegram'>['link'];

/** `waiting`: a code was given out. `confirm`: an account presented it. `since` is when that began. */
export async function linkState({ db, clock }: Pick<Core, 'db' | 'clock'>, personId: string): Promise<LinkState> {
  const now = clock.now();
  const link = await linkOf(db, personId);
  if (link?.state === 'linked' || (link && now - link.at <= CONFIRM_MS))
    return {
      state: link.state,
      telegram: { id: link.telegram_id, name: link.telegram_name },
      since: isoTime(link.at),
    };
  const code = await usableCode(db, personId, now);
  if (code) return { state: 'waiting', telegram: null, since: isoTime(code.created_at) };
  return { state: 'none', telegram: null, since: null };
}
