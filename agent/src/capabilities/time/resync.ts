/** Has the program that keeps the clock ask its servers anew. Sources: timedatectl(1), systemd-timesyncd(8), chronyc(1). */
import { capability, fault, type ParametersOf } from '@countersign/protocol';
import type { Changer, ObserveContext } from '../capability.ts';
import { count } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { type Keeper, readKeeper, readSyncState, requireKeeper, type SyncState } from './sync-state.ts';

type Parameters = ParametersOf<'time.resync'>;

const OPTIONS = { timeoutMs: capability('time.resync').timeoutMs };
/** Below this nothing jumps: the clock is made to run a little faster or slower. systemd-timesyncd's own limit. */
const STEP_MS = 400;
/** Databases and clusters may not survive a jump of this size. */
const FAR_MS = 5000;

export const timeResync: Changer<'time.resync'> = {
  predictable: true,
  async preview(parameters, context) {
    const { state, keeper } = await requireAllowed(parameters, context);
    return {
      preview: {
        argv: callsOf(keeper, parameters),
        diff: null,
        effects: effectsOf(keeper, state),
        undo: null,
      },
      witness: [
        { subject: 'clock keeper', property: 'unit', value: keeper.unit },
        { subject: 'clock keeper', property: 'active', value: keeper.active },
        { subject: 'clock keeper', property: 'off', value: sayClass(state.offsetMs) },
      ],
    };
  },
  async perform(parameters, _, context) {
    // How far it would jump was looked at right before.
    const keeper = requireKeeper({ keeper: await readKeeper(context) });
    const done = await runCalls(context, callsOf(keeper, parameters), OPTIONS);
    return resultOfCalls(done, true, `${keeper.unit} asks its servers for the time.`);
  },
  async recover(parameters, _, context) {
    const keeper = requireKeeper({ keeper: await readKeeper(context) });
    const ended = await recoverCalls(context, callsOf(keeper, parameters).length);
    return ended === null ? null : recoveredResult(ended, `${keeper.unit} keeps the clock.`);
  },
};

async function requireAllowed(
  { allow_step: allowed, max_offset_s: most }: Parameters,
  context: ObserveContext,
): Promise<{ readonly state: SyncState; readonly keeper: Keeper }> {
  const state = await readSyncState(context);
  const keeper = requireKeeper(state);
  const refuse = (reason: string) => fault('precondition_failed', { reason });
  if (state.offsetMs === null && !allowed)
    throw refuse(
      `no time server told how far the clock is off (${state.servers.map(({ server }) => server).join(', ') || 'none is known'}), so nobody can say how far it would jump; allow_step takes that`,
    );
  const off = Math.abs(state.offsetMs ?? 0);
  if (off >= STEP_MS && !allowed) throw refuse(`the clock is ${off} ms off and would jump; allow_step takes that`);
  if (off > most * 1000) throw refuse(`the clock is ${Math.round(off / 1000)} s off, more than max_offset_s allows`);
  return { state, keeper };
}

function callsOf({ program, unit }: Keeper, { allow_step: allowed }: Parameters): string[][] {
  const restart = ['systemctl', 'restart', '--', unit];
  if (program === 'timesyncd') return [['timedatectl', 'set-ntp', 'true'], restart];
  return [restart, ['chronyc', '-n', 'waitsync', '6', '0', '0', '5'], ...(allowed ? [['chronyc', 'makestep']] : [])];
}

function effectsOf({ program, unit, active }: Keeper, { offsetMs }: SyncState): string[] {
  const off = Math.abs(offsetMs ?? 0);
  const ahead = offsetMs !== null && offsetMs < 0;
  return [
    program === 'timesyncd'
      ? `${unit} is switched on, also for the next boot, and ${active ? 'started anew' : 'started'}.`
      : `${unit} is ${active ? 'started anew' : 'started'}.`,
    offsetMs === null
      ? 'How far the clock is off is not known: it may jump by any time, backwards too.'
      : off < STEP_MS
        ? `The clock is ${off} ms off. It does not jump: it runs a little ${ahead ? 'slower' : 'faster'} until it is right.`
        : `The clock jumps ${ahead ? 'back' : 'forward'} by ${count(Math.round(off / 100) / 10, 'second')}.`,
    ...(offsetMs === null || off > FAR_MS
      ? ['Databases, clusters, timers and sessions may take harm from a jump; stop those first that do.']
      : []),
    'What the clock was before is not put back.',
  ];
}

/** Rough on purpose: the offset itself is another one each time it is asked. */
function sayClass(offsetMs: number | null): string {
  if (offsetMs === null) return 'not known';
  const off = Math.abs(offsetMs);
  if (off < STEP_MS) return 'below 400 ms';
  return off <= FAR_MS ? 'up to 5 s' : 'more than 5 s';
}
