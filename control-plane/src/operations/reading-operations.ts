/** Readings that are no diagnostics: what there is on a server, and whether a deploy is well. */
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { type DiscoverDeps, discoverServices } from '../diagnostics/discover-services.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import { write } from '../storage/write.ts';
import type { Handlers } from './handler.ts';

export type ReadingOperationsDeps = DiscoverDeps;

export function readingOperations(deps: ReadingOperationsDeps): Pick<Handlers, 'discoverServices' | 'verifyDeploy'> {
  const { db, clock, fleet } = deps;
  return {
    discoverServices: (caller, asked, { signal }) => discoverServices(deps, caller, asked, signal),
    verifyDeploy: async (caller, { server: ref, ...asked }, { signal }) => {
      const server = await resolveServerUnderCare(db, ref);
      const from = clock.monotonic();
      const found = await fleet.observe(server.id, 'deploy.verify', asked, { signal });
      const { verdict, app, release } = found;
      const details = { verdict, app, release, ms: Math.round(clock.monotonic() - from) };
      await write(db, (trx) =>
        appendEntry(trx, {
          event: 'deploy.verified',
          at: clock.now(),
          who: whoOf(caller),
          serverId: server.id,
          details,
        }),
      );
      return found;
    },
  };
}
