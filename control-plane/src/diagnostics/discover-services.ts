/** What there is on a server: as it was found last, or looked at anew, with its age and what is different since the time before. */
import { isoTime } from '@countersign/protocol';
import type { OutputOf, ParsedInputOf } from '@countersign/protocol/operator-api/index';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { resolveServerUnderCare } from '../fleet/resolve-server.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Caller, Core, Fleet } from '../ports.ts';
import { write } from '../storage/write.ts';
import { newestDiscovery, type StoredDiscovery, saveDiscovery } from './discovery.store.ts';
import { type DiscoveryDifference, differenceBetween } from './discovery-difference.ts';

export interface DiscoverDeps extends Pick<Core, 'db' | 'clock'> {
  readonly fleet: Pick<Fleet, 'observe'>;
}

/** Between two looks at one server. */
export const DISCOVERY_COOLDOWN_MS = 60_000;

const NONE: DiscoveryDifference = { appeared: [], gone: [], changed: [] };

/**
 * Within the cooldown what was found last is the answer, whatever was asked. Rejects with `server_not_found`, `server_revoked`, and
 * where it has to look with `server_offline`, `agent_timeout`, `capability_missing`.
 */
export async function discoverServices(
  deps: DiscoverDeps,
  caller: Caller,
  { server: ref, refresh, kinds }: ParsedInputOf<'discoverServices'>,
  signal: AbortSignal,
): Promise<OutputOf<'discoverServices'>> {
  const server = await resolveServerUnderCare(deps.db, ref);
  const stored = await newestDiscovery(deps.db, server.id);
  const now = deps.clock.now();
  const rests = stored !== null && now - stored.at < DISCOVERY_COOLDOWN_MS;
  const look = !rests && (refresh === 'now' || (refresh === 'when_missing' && stored === null));
  const newest = look ? await lookAnew(deps, caller, server, signal) : stored;
  return answer(server, newest, { looked: look, now: deps.clock.now(), kinds });
}

async function lookAnew(
  { db, clock, fleet }: DiscoverDeps,
  caller: Caller,
  server: ServerRow,
  signal: AbortSignal,
): Promise<StoredDiscovery> {
  const from = clock.monotonic();
  const discovery = await fleet.observe(server.id, 'discover.services', {}, { signal });
  const at = clock.now();
  return write(db, async (trx) => {
    const stored = await saveDiscovery(trx, server.id, { at, discovery });
    const { appeared, gone, changed } = differenceOf(stored);
    await appendEntry(trx, {
      event: 'discovery.ran',
      at,
      who: whoOf(caller),
      serverId: server.id,
      details: {
        found: discovery.found.length,
        appeared: appeared.length,
        gone: gone.length,
        changed: changed.length,
        ms: Math.round(clock.monotonic() - from),
      },
    });
    return stored;
  });
}

const differenceOf = ({ discovery, before }: StoredDiscovery) =>
  before === null ? NONE : differenceBetween(before.discovery, discovery);

function answer(
  server: ServerRow,
  newest: StoredDiscovery | null,
  { looked, now, kinds }: { looked: boolean; now: number; kinds: ParsedInputOf<'discoverServices'>['kinds'] },
): OutputOf<'discoverServices'> {
  const named = { id: server.id, name: server.name };
  if (newest === null)
    return { ...{ server: named, at: null, age_s: null, looked, refresh_in_s: 0 }, ...EMPTY, difference: null };
  const wanted = <T extends { readonly kind: string }>(all: readonly T[]) =>
    all.filter(({ kind }) => kinds === undefined || kinds.some((each) => each === kind));
  const { appeared, gone, changed } = differenceOf(newest);
  const age = Math.max(0, now - newest.at);
  return {
    server: named,
    at: isoTime(newest.at),
    age_s: Math.round(age / 1000),
    looked,
    refresh_in_s: Math.ceil(Math.max(0, DISCOVERY_COOLDOWN_MS - age) / 1000),
    found: wanted(newest.discovery.found),
    blind: wanted(newest.discovery.blind),
    truncated: newest.discovery.truncated,
    difference:
      newest.before === null
        ? null
        : {
            since: isoTime(newest.before.at),
            appeared: wanted(appeared),
            gone: wanted(gone),
            changed: wanted(changed),
          },
  };
}

const EMPTY = { found: [], blind: [], truncated: false };
