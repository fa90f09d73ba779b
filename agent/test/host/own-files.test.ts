import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { AppendFile, makeOwnFolder } from '../../src/host/own-files.ts';

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

/** Every sync of a file waits until it is let go; with an error it fails as a disk does. */
function heldSyncs(t: TestContext) {
  const held: ((error: NodeJS.ErrnoException | null) => void)[] = [];
  t.mock.method(fs, 'fdatasync', (_: number, done: (error: NodeJS.ErrnoException | null) => void) => held.push(done));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  return held;
}

function fileIn(t: TestContext): AppendFile {
  const base = fs.mkdtempSync(join(tmpdir(), 'countersign-own-'));
  t.after(() => fs.rmSync(base, { recursive: true }));
  return AppendFile.open(join(base, 'file'));
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('when many wait for a file to be durable, they share a sync that began after what they added, and no other', async (t) => {
  const held = heldSyncs(t);
  const file = fileIn(t);
  const ended: string[] = [];
  const add = (name: string) => {
    file.append(name, { sync: false });
    return file.synced().then(() => ended.push(name));
  };
  const first = add('first');
  const others = ['second', 'third', 'fourth'].map(add);
  await turn();
  assert.equal(held.length, 1, 'one sync is under way');
  held[0]?.(null);
  await first;
  await turn();
  assert.deepEqual(ended, ['first'], 'the sync that was under way does not count for what came meanwhile');
  assert.equal(held.length, 2);
  assert.equal(file.isDurable, false);
  held[1]?.(null);
  await Promise.all(others);
  assert.deepEqual(ended, ['first', 'second', 'third', 'fourth']);
  assert.equal(file.isDurable, true);
  await file.synced();
  assert.equal(held.length, 2, 'nothing is left to sync');
  file.close();
});

test('when a sync fails, those who waited for it hear why, and what it left in doubt can be taken back', async (t) => {
  const held = heldSyncs(t);
  const file = fileIn(t);
  file.append('sure', { sync: true });
  file.append(' doubtful', { sync: false });
  const waiting = file.synced();
  held[0]?.(Object.assign(new Error('EIO'), { code: 'EIO' }));
  await assert.rejects(waiting, { code: 'EIO' });
  assert.equal(file.isDurable, false);
  file.takeBack();
  assert.equal(file.read().toString(), 'sure');
  assert.equal(fs.readFileSync(file.path, 'utf8'), 'sure');
  file.close();
});
