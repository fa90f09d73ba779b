import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeOwnFolder } from '../../src/host/own-files.ts';

test('F6: when folders are made, each is made durable in the one above it before the call returns', (t) => {
  const base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'countersign-own-')));
  const synced: string[] = [];
  t.after(() => fs.rmSync(base, { recursive: true }));
  const fsync = fs.fsyncSync;
  t.mock.method(fs, 'fsyncSync', (fd: number) => {
    synced.push(fs.readlinkSync(`/proc/self/fd/${fd}`));
    fsync(fd);
  });
  syncBuiltinESMExports();
  makeOwnFolder(join(base, 'a/b'));
  makeOwnFolder(join(base, 'a/b'));
  t.mock.restoreAll();
  syncBuiltinESMExports();
  assert.deepEqual(synced, [join(base, 'a'), base]);
});
