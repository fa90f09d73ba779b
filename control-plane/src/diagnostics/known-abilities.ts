import type { ServerAbilities } from '@countersign/playbooks';
import { abilitiesOf } from '../actions/server-allows.ts';
import type { ServerRow } from '../fleet/server.store.ts';
import type { Core } from '../ports.ts';
import { newestDiscovery } from './discovery.store.ts';

/** What was found longer ago than this is not held against a server: by now it may have what was missing. */
const DISCOVERY_HOLDS_MS = 24 * 60 * 60_000;

/** What a server tells of its abilities, and what discovery found there lately: by this playbooks are offered. */
export async function knownAbilities(
  { db, clock }: Pick<Core, 'db' | 'clock'>,
  server: ServerRow,
): Promise<ServerAbilities> {
  const stored = await newestDiscovery(db, server.id);
  const holds = stored !== null && clock.now() - stored.at < DISCOVERY_HOLDS_MS;
  if (!holds) return abilitiesOf(server);
  const { units, found, blind, truncated } = stored.discovery;
  return {
    ...abilitiesOf(server),
    discovered: {
      units: truncated ? null : units,
      kinds: [...new Set(found.map(({ kind }) => kind))],
      blind: blind.map(({ kind }) => kind),
    },
  };
}
