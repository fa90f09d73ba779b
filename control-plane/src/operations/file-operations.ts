/** Reading and searching files on servers. Who may read what, the server decides; each reading is audited, and what it denied too. */
import { Fault } from '@countersign/protocol';
import type { AuditEvent } from '../audit/events.ts';
import { appendEntry, type NewEntry, whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { Caller, Core, Fleet } from '../ports.ts';
import { write } from '../storage/write.ts';
import type { Handlers } from './handler.ts';

export interface FileOperationsDeps extends Pick<Core, 'db' | 'clock'> {
  readonly fleet: Pick<Fleet, 'observe'>;
}

export function fileOperations(deps: FileOperationsDeps): Pick<Handlers, 'readFile' | 'searchFiles' | 'diffFile'> {
  const { record, looked } = noting(deps);
  return {
    readFile: async (caller, { server: ref, path, from_line, lines }, { signal }) => {
      const server = await resolveServerUnderCare(deps.db, ref);
      const found = await looked(caller, server.id, 'readFile', () =>
        deps.fleet.observe(server.id, 'file.read', { path, from_line, lines }, { signal }),
      );
      await record(caller, server.id, 'file.read', { path, from_line, lines, redactions: found.redactions });
      return found;
    },
    diffFile: async (caller, { server: ref, ...asked }, { signal }) => {
      const server = await resolveServerUnderCare(deps.db, ref);
      const found = await looked(caller, server.id, 'diffFile', () =>
        deps.fleet.observe(server.id, 'file.diff', asked, { signal }),
      );
      const { same, redactions } = found;
      await record(caller, server.id, 'file.compared', {
        path: asked.path,
        against: (asked.against === 'file' ? asked.other : undefined) ?? asked.against,
        same,
        redactions,
      });
      return found;
    },
    searchFiles: async (caller, { server: ref, path, text, name, max_matches }, { signal }) => {
      const server = await resolveServerUnderCare(deps.db, ref);
      const wanted = { path, text, max_matches, ...(name === undefined ? {} : { name }) };
      const found = await looked(caller, server.id, 'searchFiles', () =>
        deps.fleet.observe(server.id, 'file.search', wanted, { signal }),
      );
      const { redactions, matches } = found;
      await record(caller, server.id, 'file.searched', { path, matches: matches.length, redactions, text });
      return found;
    },
  };
}

/** Writes down what was read, and what the server denied. */
function noting(deps: Pick<Core, 'db' | 'clock'>) {
  const record = <E extends AuditEvent>(
    caller: Caller,
    serverId: string,
    event: E,
    details: NonNullable<NewEntry<E>['details']>,
  ) =>
    write(deps.db, (trx) =>
      appendEntry(trx, { event, at: deps.clock.now(), who: whoOf(caller), serverId, details } as NewEntry<E>),
    );
  const looked = async <T>(caller: Caller, serverId: string, tool: string, look: () => Promise<T>): Promise<T> => {
    try {
      return await look();
    } catch (error) {
      if (error instanceof Fault && error.code === 'path_denied')
        await record(caller, serverId, 'request.refused', { tool, error: error.code, message: error.message });
      throw error;
    }
  };
  return { record, looked };
}
