import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readEnv } from '../../../test/simulation/env.ts';
import { convergeTelegram } from '../../../test/simulation/program.ts';

const again = readEnv().seed;
const SEQUENCES = again === undefined ? 1_000 : 1;

test(`F8 F13: when anything happens in any order, with faults between, ${SEQUENCES} times, all copies end as the store is`, async (t) => {
  const run = await convergeTelegram({ sequences: SEQUENCES, seed: again ?? 1 });
  t.diagnostic(`${run.sequences} sequences in ${run.seconds.toFixed(1)} s`);
  assert.equal(run.failure, undefined, `COUNTERSIGN_SEED=${run.seed}`);
  assert.equal(run.sequences, SEQUENCES);
});
