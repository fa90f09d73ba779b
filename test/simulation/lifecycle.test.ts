/**
 * The lifecycle of actions in orders that fast-check's scheduler chooses: people who approve and reject at once, withdrawals,
 * stops, a pause, clocks that run out, policy that changes, messages that come late, twice or never, programs that are killed.
 * Two layers, because the real code takes some 7 ms an interleaving here and its pure rules some 1.5 ms: 3,000 run the real use
 * cases, SQLite, runner and journal; 47,000 run a small control plane and runner made of the product's pure rules
 * (transitions, policy, verdicts, quorum, digest, grant, the gate of the server, the fold of its journal, drift).
 * The same again: `COUNTERSIGN_SEED=… COUNTERSIGN_SEED_PATH=…`, as a failure says.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from './env.ts';
import { tellStories } from './program.ts';

const { seed, path } = readEnv();

for (const [parts, runs, usualSeed, what] of [
  ['real', 3000, 20_261_121, 'use cases, SQLite, runner and journal'],
  ['rules', 23_500, 20_261_122, 'the pure rules'],
  ['rules', 23_500, 20_261_123, 'the pure rules, once more'],
] as const)
  test(`T9 T10 T11 F8: when ${runs} stories are told to ${what} in any order, every action is decided once and started once at most`, async (t) => {
    const run = await tellStories(parts, { runs: path === undefined ? runs : 1, seed: seed ?? usualSeed, path });
    t.diagnostic(`${run.told} interleavings in ${run.seconds.toFixed(1)} s, seed ${run.seed}`);
    assert.equal(run.failure, undefined, `COUNTERSIGN_SEED=${run.seed} COUNTERSIGN_SEED_PATH=${run.path}`);
    assert.ok(path !== undefined || run.told === runs, `${run.told} of ${runs}`);
  });
