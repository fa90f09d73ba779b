import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCommand } from './run.ts';

async function runHostTest(env: Readonly<Record<string, string>>) {
  const script = `import { hostTest } from ${JSON.stringify(new URL('./requirements.ts', import.meta.url).href)};
    hostTest('when it runs', async () => undefined);`;
  const argv = [process.execPath, '--test-reporter=tap', '--input-type=module', '--eval', script];
  return runCommand(argv, { env: { PATH: '/nonexistent', ...env }, okCodes: 'any' });
}

test('when this machine cannot boot hosts, a host test is skipped by name with the reason', async () => {
  const result = await runHostTest({});
  assert.equal(result.exitCode, 0);
  assert.match(result.stdout, /^ok 1 - when it runs # SKIP test hosts need /m);
});

test('when everything is required and this machine cannot boot hosts, a host test fails with the reason', async () => {
  const result = await runHostTest({ COUNTERSIGN_REQUIRE_ALL: '1' });
  assert.equal(result.exitCode, 1);
  assert.match(result.stdout, /^not ok 1 - when it runs/m);
  assert.match(result.stdout, /COUNTERSIGN_REQUIRE_ALL=1, but test hosts need /);
});
