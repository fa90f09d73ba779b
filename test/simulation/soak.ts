/**
 * `npm run soak`: the long forms of the simulations, on every core, in new seeds each time. `-- --minutes N` ends it earlier; it
 * says how far it got. Figures to reach: 2,000,000 interleavings, 50,000 seeds, 100,000 simulated hours, 50,000 sequences in
 * Telegram.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { systemClock } from '@countersign/protocol';
import { convergeTelegram, liveThrough, tellStories } from './program.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    rules: { type: 'string', default: '1900000' },
    real: { type: 'string', default: '100000' },
    seeds: { type: 'string', default: '50000' },
    telegram: { type: 'string', default: '50000' },
  },
});
const began = systemClock.monotonic();
const endsAt = values.minutes === undefined ? Number.POSITIVE_INFINITY : began + Number(values.minutes) * 60_000;
/** Short enough to stop soon, long enough that starting a program does not count. */
const SECONDS_AT_ONCE = 60;
/** Seeds of whole systems that `npm test` has lived through already. */
const FIRST_SEED = 1_000_000 + (systemClock.now() % 1_000_000_000);

const left = {
  ...{ rules: Number(values.rules), real: Number(values.real) },
  ...{ seeds: Number(values.seeds), telegram: Number(values.telegram) },
};
const got = { rules: 0, real: 0, seeds: 0, telegram: 0, hours: 0, actions: 0, effects: 0, kills: 0, seconds: 0 };
let nextSeed = FIRST_SEED;
let failures = 0;

const say = (line: string) => process.stdout.write(`${line}\n`);
const secondsLeft = () => Math.max(1, Math.min(SECONDS_AT_ONCE, Math.round((endsAt - systemClock.monotonic()) / 1000)));

async function stories(parts: 'rules' | 'real', runs: number): Promise<void> {
  left[parts] -= runs;
  const run = await tellStories(parts, { runs, seconds: secondsLeft() });
  left[parts] += runs - Math.min(runs, run.told);
  got[parts] += run.told;
  if (run.failure === undefined) return;
  failures += 1;
  say(`FAILED ${parts}: COUNTERSIGN_SEED=${run.seed} COUNTERSIGN_SEED_PATH=${run.path}\n${run.failure}`);
}

async function systems(seeds: number): Promise<void> {
  left.seeds -= seeds;
  const from = nextSeed;
  nextSeed += seeds;
  const run = await liveThrough({ from, seeds, seconds: secondsLeft() });
  left.seeds += seeds - run.seeds;
  for (const name of ['seeds', 'hours', 'actions', 'effects', 'kills'] as const) got[name] += run[name];
  for (const { seed, problem } of run.failures) {
    failures += 1;
    say(`FAILED whole system: COUNTERSIGN_SEED=${seed}\n${problem}`);
  }
}

async function chats(sequences: number): Promise<void> {
  left.telegram -= sequences;
  const seed = nextSeed;
  nextSeed += sequences;
  const run = await convergeTelegram({ sequences, seed, seconds: secondsLeft() });
  left.telegram += sequences - run.sequences;
  got.telegram += run.sequences;
  if (run.failure === undefined) return;
  failures += 1;
  say(`FAILED telegram: COUNTERSIGN_SEED=${run.seed}\n${run.failure}`);
}

/** One core: takes of each in turn until nothing is left or time is up. */
async function work(first: number): Promise<void> {
  for (let turn = first; systemClock.monotonic() < endsAt; turn += 1) {
    const kinds = (['rules', 'seeds', 'real', 'telegram'] as const).filter((kind) => left[kind] > 0);
    const kind = kinds[turn % kinds.length];
    if (kind === undefined) return;
    if (kind === 'seeds') await systems(Math.min(left.seeds, 400));
    else if (kind === 'telegram') await chats(Math.min(left.telegram, 1000));
    else await stories(kind, Math.min(left[kind], kind === 'rules' ? 20_000 : 4000));
    tell();
  }
}

function tell(): void {
  const minutes = (systemClock.monotonic() - began) / 60_000;
  say(
    `${minutes.toFixed(1)} min: ${got.rules + got.real} interleavings (${got.real} of the real code), ${got.seeds} systems, ` +
      `${got.hours.toFixed(0)} simulated hours, ${got.actions} actions, ${got.effects} effects, ${got.kills} kills, ${got.telegram} sequences in Telegram, ${failures} failures`,
  );
}

await Promise.all(Array.from({ length: availableParallelism() }, (_, n) => work(n)));
say(failures === 0 ? 'Nothing failed.' : `${failures} failures, each with its seed above.`);
process.exit(failures === 0 ? 0 : 1);
