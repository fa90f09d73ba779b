import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { hostTest } from './requirements.ts';
import { runCommand } from './run.ts';

const CLI = fileURLToPath(new URL('./cli.ts', import.meta.url));

async function cli(...argv: string[]) {
  return runCommand([process.execPath, CLI, ...argv], { timeoutMs: 110_000, okCodes: 'any' });
}

hostTest(
  'when a host is started by hand, it stays, commands run in it by its name, and stop clears it away',
  async (t) => {
    const name = `by-hand-${process.pid}`;
    t.after(() => cli('stop', name));
    assert.match((await cli('start', name)).stdout, / is up at 10\.77\.\d+\.2;/);
    assert.match((await cli('start', name)).stderr, /runs already/);
    assert.match((await cli('list')).stdout, new RegExp(`^${name}\\t10\\.77\\.`, 'm'));
    assert.deepEqual(await cli('exec', name, 'sh', '-c', 'hostname; exit 3'), {
      exitCode: 3,
      stdout: `${name}\n`,
      stderr: '',
    });
    assert.equal((await cli('stop', name)).exitCode, 0);
    assert.match((await cli('exec', name, 'true')).stderr, new RegExp(`no host named ${name} runs`));
  },
);

hostTest('when the verb is unknown, the usage is shown and the exit code is 2', async () => {
  const result = await cli('dance');
  assert.equal(result.exitCode, 2);
  assert.match(result.stderr, /start NAME/);
});
