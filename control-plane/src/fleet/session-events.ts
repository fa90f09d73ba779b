/** What a session is handed, and what it tells its surroundings. */
import type { Clock, Ids } from '@countersign/protocol';
import type { StatusSample } from '@countersign/protocol/agent-wire/facts';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import type { Log } from '../ports.ts';
import type { FleetLimits } from './limits.ts';
import type { TakeReport } from './report-queue.ts';

/** What a server tells of itself between hellos: only the newest of each kind counts. */
export type Told = Extract<FromAgent, { type: 'policy' | 'countersigned' | 'checkpoint_refused' }>;

export interface SessionEvents {
  /** Never throws. */
  readonly told: (serverId: string, message: Told) => void;
  readonly takeReport: TakeReport;
  /** The server is there, its clock is so far off (milliseconds), and perhaps these are its figures. */
  readonly alive: (serverId: string, clockOffsetMs: number, sample?: StatusSample) => void;
}

export interface SessionDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly limits: FleetLimits;
  readonly events: SessionEvents;
}
