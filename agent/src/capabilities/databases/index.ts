/** The code behind `protocol/src/capabilities/databases.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { pgBlockers, pgSession, pgTable } from './pg-session.ts';
import { pgCancel, pgTerminate } from './pg-signal.ts';
import { pgVacuum } from './pg-vacuum.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { redisRelieve, redisState } from './redis-relieve.ts';

export const diagnostics = { postgres, redis } satisfies Partial<Observers>;
export const probes = {
  'pg.session': pgSession,
  'pg.blockers': pgBlockers,
  'pg.table': pgTable,
  'redis.state': redisState,
} satisfies Partial<Observers>;
export const changes = {
  'pg.cancel': pgCancel,
  'pg.terminate': pgTerminate,
  'pg.vacuum': pgVacuum,
  'redis.relieve': redisRelieve,
} satisfies Partial<Changers>;
