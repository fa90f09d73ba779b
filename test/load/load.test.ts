/** The load in small, with all that it is made of; the figures are for `npm run load`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLoad, whyTooMany } from './run-load.ts';

test('when 100 servers lose their links at once and the control plane is killed, nothing is lost and nothing done twice', async (t) => {
  const result = await runLoad({
    ...{ servers: 100, seconds: 12, workers: 2, seed: 1 },
    ...{ callsPerSecond: 10, actionsPerSecond: 2, alertsPerSecond: 4, atLeast: { approved: 10, alerts: 20 } },
    say: (line) => t.diagnostic(line),
  });
  assert.deepEqual(result.problems, []);
  const { judged, storms, latencies } = result;
  assert.ok(judged.approved >= 10, `only ${judged.approved} actions were approved`);
  assert.equal(judged.done, judged.approved);
  assert.ok(judged.alerts >= 20, `only ${judged.alerts} alerts were raised`);
  assert.equal(storms.length, 2);
  for (const tool of ['list_servers', 'get_server_status', 'run_diagnostic', 'read_file'])
    for (const phase of ['quiet', 'afterwards'])
      assert.ok(
        latencies.some((row) => row.kind === tool && row.phase === phase),
        `${tool} was not answered in phase ${phase}`,
      );
  // Nobody who behaves was turned away for a reason of the catalogue, whatever others did meanwhile.
  const turnedAway = Object.keys(result.failedConnects).filter((why) => /^[a-z_]+$/.test(why));
  assert.deepEqual(turnedAway, []);
});

test('when more servers are asked for than the limits of this machine allow, it says what to set', () => {
  assert.match(whyTooMany(40_000_000) ?? '', /ulimit -Hn 40001000/);
  assert.equal(whyTooMany(200), null);
});
