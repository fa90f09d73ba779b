import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from './free-port.ts';
import { node } from './places.ts';

/** Draws these ports one after the other. */
const drawing = (ports: readonly number[]) => {
  const left = [...ports];
  return () => left.shift() ?? assert.fail('drew too often');
};
/** Ports that no other test draws. */
const [FROM, TO] = [9_200, 10_200];
const here = () => freePort('127.0.0.1', () => randomInt(FROM, TO));

test('when another process was given a port on which nobody listens yet, nobody else gets it until that process has ended', {
  skip: process.platform === 'linux' ? false : 'needs Linux',
}, async () => {
  const own = await here();
  const script = `import { freePort } from ${JSON.stringify(join(import.meta.dirname, 'free-port.ts'))};
    let next = ${FROM};
    console.log(await freePort('127.0.0.1', () => next++));
    setInterval(() => undefined, 1000);`;
  const other = spawn(node, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(other, 'close');
  try {
    const [said] = await once(other.stdout.setEncoding('utf8'), 'data');
    const theirs = Number(said);
    await assert.rejects(freePort('127.0.0.1', drawing([theirs, own])), /drew too often/);
    other.kill('SIGKILL');
    await gone;
    assert.equal(await freePort('127.0.0.1', drawing([own, theirs])), theirs);
  } finally {
    other.kill('SIGKILL');
  }
});

test('when somebody listens on the port that was drawn, another one is given', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as { port: number };
  await assert.rejects(freePort('127.0.0.1', drawing([port])), /drew too often/);
  assert.notEqual(await here(), port);
  taken.close();
});
