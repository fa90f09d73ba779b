/** What `install.sh` takes from a control plane, without the rest of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { installScriptPath } from '../../install/agent-package.ts';

const BLOCK = 512;
const PIECE = Buffer.alloc(64 * 1024);

/** Has the script fetch `/package` of a server that answers with so many pieces, and does not say how many. */
async function fetched(context: TestContext, pieces: number, blocks: number, proxy = '') {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-fetch-'));
  const server = createServer((_, response) => {
    let left = pieces;
    const more = () => {
      while (left > 0 && !response.destroyed) {
        left -= 1;
        if (!response.write(PIECE)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const script = readFileSync(installScriptPath, 'utf8').replace(/\nmain "\$@"\s*$/, '\n');
  const file = join(folder, 'package');
  const call = `${script}\nurl=$1 tls_pin= ca_file= proxy=$4 fetch_blocks=$2\nfetch /package "$3"`;
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const words = ['-c', call, 'sh', url, String(blocks), file, proxy];
  const done = promisify(execFile)('sh', words, { env: { ...process.env, http_proxy: proxy } });
  const ok = await done.then(
    () => true,
    () => false,
  );
  return { ok, bytes: statSync(file).size };
}

test('T1: when a control plane sends a package without end, the server takes no more of it than it has set aside', async (context) => {
  const { ok, bytes } = await fetched(context, Number.POSITIVE_INFINITY, 2048);
  assert.equal(ok, false);
  assert.ok(bytes <= 2 * 2048 * BLOCK, `${bytes} bytes were kept`);
});

test('when a package fits, it is fetched as a whole', async (context) => {
  assert.deepEqual(await fetched(context, 10, 2048), { ok: true, bytes: 10 * PIECE.length });
});

test('when the control plane is on this machine and speaks plain http, its package comes through no proxy', async (context) => {
  const nobody = 'http://127.0.0.1:1';
  assert.deepEqual(await fetched(context, 1, 2048, nobody), { ok: true, bytes: PIECE.length });
});
