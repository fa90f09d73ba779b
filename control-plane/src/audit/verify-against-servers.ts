/** Asks every server that is connected what it keeps, and compares it with the audit log in the database. */
import { Fault, type SignedWitness } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { type KeptWitness, keptWitnessOf, witnessServers } from '../fleet/witness.store.ts';
import type { Core, Fleet } from '../ports.ts';
import type { Db } from '../storage/database.ts';
import { entriesAfter } from './audit.store.ts';
import { LedgerReading, type ReadEntry, readBody } from './ledger-reading.ts';
import { compareKept, compareWitness, inWords, sizesIn, stateOf } from './verify-witness.ts';

type ServerVerdict = OutputOf<'verifyAudit'>['servers'][number];

const AT_ONCE = 20;
const PAGE = 1000;

interface Asked {
  readonly server: { readonly id: string; readonly name: string };
  readonly key: string | null;
  readonly kept: KeptWitness | null;
  readonly statement: SignedWitness | null;
}

/** One verdict per enrolled server, also of those that cannot be asked, by what they countersigned last; `ok` unless one contradicts in a way that nobody accepted. */
export async function verifyAgainstServers(
  deps: Pick<Core, 'db' | 'log'> & { readonly fleet: Pick<Fleet, 'isOnline' | 'askWitness'> },
): Promise<{ readonly ok: boolean; readonly servers: ServerVerdict[] }> {
  const asked = await askAll(deps);
  const ledger = new LedgerReading([
    ...sizesIn(asked.flatMap(({ statement }) => statement ?? [])),
    ...asked.flatMap(({ kept }) => kept?.size ?? []),
  ]);
  for await (const entry of entriesOf(deps.db)) ledger.take(entry);
  const servers = asked.map((it) => judge(ledger, it));
  return { ok: servers.every(({ state }) => state !== 'contradicts'), servers };
}

async function askAll({ db, log, fleet }: Parameters<typeof verifyAgainstServers>[0]): Promise<Asked[]> {
  const servers = await witnessServers(db);
  const asked: Asked[] = [];
  for (let from = 0; from < servers.length; from += AT_ONCE)
    asked.push(
      ...(await Promise.all(
        servers.slice(from, from + AT_ONCE).map(async ({ id, name, witness_key, witness_json }) => ({
          server: { id, name },
          key: witness_key,
          kept: keptWitnessOf(witness_json),
          statement: fleet.isOnline(id) ? await ask(id) : null,
        })),
      )),
    );
  return asked;

  async function ask(id: string): Promise<SignedWitness | null> {
    try {
      return await fleet.askWitness(id);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.info('witness.not_told', { server: id, code: error.code });
      return null;
    }
  }
}

function judge(ledger: LedgerReading, asked: Asked): ServerVerdict {
  const { server, key, kept, statement } = asked;
  if (key === null || (statement === null && kept === null)) {
    const state = key === null ? 'no_witness' : 'unreachable';
    return { server, state, checkpoints: 0, actions: 0, problems: [] };
  }
  const compared =
    statement === null
      ? { checkpoints: 0, actions: 0, problems: kept === null ? [] : compareKept(ledger, kept) }
      : compareWitness(ledger, statement, {
          ...{ server: server.id, key },
          ...(kept !== null && kept.signature !== null && { countersigned: kept }),
        });
  const { checkpoints, actions } = compared;
  const found = stateOf(compared.problems);
  const state = found === 'agrees' && statement === null ? 'unreachable' : found;
  return { server, state, checkpoints, actions, problems: inWords(compared.problems) };
}

/** Every entry, page by page. One that cannot be read is left out: checking the chain names it. */
async function* entriesOf(db: Db): AsyncGenerator<ReadEntry> {
  for (let seq = 0; ; ) {
    const page = await entriesAfter(db, seq, Number.MAX_SAFE_INTEGER, PAGE);
    for (const { body, hash } of page) {
      const read = readBody(body);
      if (read) yield { body: read, hash };
    }
    const last = page.at(-1);
    if (last === undefined) return;
    seq = last.seq;
  }
}
