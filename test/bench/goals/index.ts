/** The goals in their order. */
import type { Goal } from '../goal.ts';
import { g1 } from './g1-link-memory.ts';
import { g2 } from './g2-link-cpu.ts';
import { g3 } from './g3-start.ts';
import { g4 } from './g4-idle-fleet.ts';
import { g5 } from './g5-reconnect.ts';
import { g6 } from './g6-frames.ts';
import { g7 } from './g7-audit.ts';
import { g8 } from './g8-true.ts';
import { g9 } from './g9-far-server.ts';
import { g10 } from './g10-one-server.ts';
import { g11 } from './g11-mcp-front.ts';
import { g12 } from './g12-full-store.ts';

export const goals: readonly Goal[] = [g1, g2, g3, g4, g5, g6, g7, g8, g9, g10, g11, g12];
