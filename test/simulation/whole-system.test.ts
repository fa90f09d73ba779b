/**
 * Whole systems in one process: control plane, links and runners as they are composed in production, on virtual time, network
 * and disks, through crashes at any statement, write or frame, power cuts, half-open links, full disks and wrong clocks.
 * One of them again: `COUNTERSIGN_SEED=…`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from './env.ts';
import { liveThrough } from './program.ts';

/** Together 500; apart, so that no test takes long. */
const SEEDS = 250;
const { seed } = readEnv();

for (const from of seed === undefined ? [1, 1 + SEEDS] : [seed])
  test(`F1 to F7, F10, F14: when ${SEEDS} systems from ${from} on live through trouble, nothing is done twice, no approval is lost, nothing is stuck`, async (t) => {
    const run = await liveThrough({ from, seeds: seed === undefined ? SEEDS : 1 });
    const { seeds, hours, actions, effects, kills, seconds, killedAt } = run;
    t.diagnostic(
      `${seeds} seeds in ${seconds.toFixed(1)} s: ${hours.toFixed(0)} simulated hours, ${actions} actions, ${effects} effects, ` +
        `${kills} kills at ${Object.keys(killedAt).length} kinds of points`,
    );
    const [failure] = run.failures;
    assert.equal(failure?.problem, undefined, `COUNTERSIGN_SEED=${failure?.seed}`);
    assert.ok(seed !== undefined || seeds === SEEDS, `${seeds} of ${SEEDS}`);
  });
