/** Says when a server raises alerts. */
import type { Thresholds } from '@countersign/protocol/agent-wire/facts';
import { appendEntry, type Who } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { saveThresholds } from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'live'> & {
  /** Tells the server and whoever watches over it. A server that is offline is told with its next welcome. */
  readonly announce: (serverId: string, thresholds: Thresholds) => void;
};

export async function setThresholds(deps: Deps, who: Who, serverId: string, thresholds: Thresholds): Promise<void> {
  await write(deps.db, async (trx) => {
    await saveThresholds(trx, serverId, thresholds);
    const at = deps.clock.now();
    await appendEntry(trx, { event: 'server.thresholds_changed', at, who, serverId, details: { thresholds } });
  });
  deps.announce(serverId, thresholds);
  deps.live.publish({ type: 'server', id: serverId });
}
