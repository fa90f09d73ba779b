/** A real store and a clock that moves on whenever it is looked at, for tests of alerts. */
import { type LiveEvent, systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { createHook } from '../../src/alerts/create-hook.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { addServer } from '../../src/fleet/add-server.ts';
import type { Core } from '../../src/ports.ts';
import { openDatabase } from '../../src/storage/database.ts';

export async function alertWorld() {
  const db = await openDatabase({ path: ':memory:' });
  const live: LiveEvent[] = [];
  const silent = () => undefined;
  let at = Date.UTC(2026, 10, 20, 2, 30);
  const core: Core = {
    db,
    clock: {
      ...systemClock,
      now: () => {
        at += 1;
        return at;
      },
    },
    ids: systemIds,
    live: { publish: (event) => live.push(event) },
    log: { info: silent, warn: silent, error: silent },
  };
  return {
    core,
    db,
    live,
    /** Adds a server that calls itself by a host name, or one whose agent has not connected yet. */
    async server(name: string, hostname?: string) {
      const { server } = await addServer(core, whoIs('system'), { name, labels: {} });
      if (hostname !== undefined)
        await db
          .updateTable('server')
          .set({ facts_json: JSON.stringify({ hostname }) })
          .where('id', '=', server.id)
          .execute();
      return server.id;
    },
    hook: (kind: 'alertmanager' | 'grafana') => createHook(core, whoIs('system'), { name: 'monitoring', kind }),
    alerts: () => db.selectFrom('alert').selectAll().orderBy('first_at').orderBy('id').execute(),
    async audited(event: string) {
      return db.selectFrom('audit_entry').selectAll().where('event', '=', event).orderBy('seq').execute();
    },
    async [Symbol.asyncDispose]() {
      await db.destroy();
    },
  };
}
