/** The code behind `protocol/src/capabilities/time.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { timeResync } from './resync.ts';
import { readSyncState } from './sync-state.ts';
import { timeSync } from './time-sync.ts';

export const diagnostics = { time_sync: timeSync } satisfies Partial<Observers>;
export const probes = {
  'time.state': async (_, context) => {
    const { keeper, synchronised, offsetMs } = await readSyncState(context);
    return {
      keeper_active: keeper?.active === true,
      synchronised,
      off_ms: offsetMs === null ? null : Math.abs(offsetMs),
    };
  },
} satisfies Partial<Observers>;
export const changes = { 'time.resync': timeResync } satisfies Partial<Changers>;
