/** Takes a server under care. */
import { fault } from '@countersign/protocol';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { isDuplicate } from '../storage/dialect.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import { type AwaitedServer, makeEnrolmentToken } from './make-enrolment-token.ts';
import { insertServer } from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'ids' | 'live'>;

/** Adds a server. Rejects with `server_name_taken`. */
export async function addServer(
  deps: Deps,
  who: Who,
  wanted: { readonly name: string; readonly labels: Readonly<Record<string, string>> },
): Promise<AwaitedServer> {
  const { name, labels } = wanted;
  const added = await write(deps.db, async (trx) => {
    const id = deps.ids.id('srv');
    const at = deps.clock.now();
    await insertServer(trx, { id, name, labels, at });
    await appendEntry(trx, { event: 'server.added', at, who, serverId: id, details: { name, labels } });
    await addToTimeline(trx, { at, kind: 'server', title: `${name} was added`, serverId: id, by: who.person?.name });
    return makeEnrolmentToken(deps, trx, id);
  }).catch((error: unknown) => {
    throw isDuplicate(error) ? fault('server_name_taken', { name }) : error;
  });
  deps.live.publish({ type: 'server', id: added.server.id });
  return added;
}
