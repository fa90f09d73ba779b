/** The stub outlives what assistants do to it when they are killed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { startModelStub } from './model-stub.ts';

test('when an assistant is killed in the middle of a request, the request is not counted and the next one is answered', async () => {
  const stub = await startModelStub(
    ({ response }) => response.end('heard') !== undefined,
    () => ({ text: '' }),
  );
  const killed = connect(Number(new URL(stub.url).port), '127.0.0.1');
  await once(killed, 'connect');
  killed.write('POST /half HTTP/1.1\r\nhost: stub\r\ncontent-length: 1000\r\n\r\n{"messages":');
  assert.equal(await (await fetch(`${stub.url}/before`)).text(), 'heard');
  killed.destroy();
  assert.equal(await (await fetch(`${stub.url}/after`)).text(), 'heard');
  await stub.close();
  assert.deepEqual(
    stub.requests.map(({ path }) => path),
    ['/before', '/after'],
  );
});
