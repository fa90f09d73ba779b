import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { libraryFolder } from '@countersign/playbooks';
import { listVersions } from '../../src/playbooks/list-versions.ts';
import { openPlaybooks } from '../../src/playbooks/playbook-book.ts';
import { manualClock } from '../actions/manual-clock.ts';
import { tempDatabase, tempFolder } from '../storage/temp-database.ts';

const text = (wait: string, id = 'shop.restart') =>
  `id: ${id}
version: 1
title: Restart the shop
summary: Restarts the shop and watches it.
steps:
  - { id: restart, capability: unit.restart, parameters: { unit: shop } }
check:
  settle: ${wait}
  probes:
    - { capability: unit.state, parameters: { unit: shop }, expect: { active_state: { is: active } } }
`;

async function folderOfMine(t: TestContext) {
  const { db } = await tempDatabase(t);
  const folder = join(await tempFolder(t), 'playbooks');
  const logged: unknown[] = [];
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (_: string, fields: unknown) => logged.push(fields),
  };
  const clock = manualClock();
  const core = { db, clock, log, ids: undefined, live: undefined } as never;
  const open = async () => {
    const book = await openPlaybooks(core, { folders: [folder] });
    t.after(() => book[Symbol.asyncDispose]());
    return book;
  };
  /** Writes as an editor does, with a time stamp that differs. */
  let stamp = 1_700_000_000;
  const save = async (name: string, content: string) => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, name), content, { mode: 0o640 });
    stamp += 10;
    await utimes(join(folder, name), stamp, stamp);
  };
  const changes = async () => {
    const rows = await db.selectFrom('audit_entry').select(['event', 'body']).orderBy('seq').execute();
    return rows
      .filter(({ event }) => event === 'playbooks.changed')
      .map(({ body }) => JSON.parse(body).details)
      .map(({ added, changed, removed }) => ({ added, changed, removed }));
  };
  return { db, clock, folder, open, save, logged, changes };
}

test('when a file appears, changes and goes, the playbook follows within a second, and versions tell who and what', async (t) => {
  const mine = await folderOfMine(t);
  const book = await mine.open();
  assert.equal(book.playbooks.has('shop.restart'), false);
  assert.ok(book.playbooks.has('service.restart'));

  await mine.save('restart.yaml', text('1s'));
  await mine.clock.pass(1000);
  await waitFor(() => book.playbooks.get('shop.restart')?.check?.settle === '1s');
  await mine.save('restart.yaml', text('2s'));
  await book.look();
  assert.equal(book.playbooks.get('shop.restart')?.check?.settle, '2s');
  await rm(join(mine.folder, 'restart.yaml'));
  await book.look();
  assert.equal(book.playbooks.has('shop.restart'), false);

  const versions = await listVersions(mine.db, 'shop.restart', 10);
  const me = userInfo().username;
  assert.deepEqual(
    versions.map(({ sha256, changed_by, changed_at }) => [sha256 !== null, changed_by, changed_at]),
    [
      [false, null, null],
      [true, me, '2023-11-14T22:13:40.000Z'],
      [true, me, '2023-11-14T22:13:30.000Z'],
    ],
  );
  assert.match(versions[1]?.diff ?? '', /- {2}settle: 1s\n\+ {2}settle: 2s/);
  const [, added, changed, removed] = await mine.changes();
  assert.deepEqual(
    [added, changed, removed],
    [
      { added: ['shop.restart'], changed: [], removed: [] },
      { added: [], changed: ['shop.restart'], removed: [] },
      { added: [], changed: [], removed: ['shop.restart'] },
    ],
  );
});

test('when a file gets broken, its playbook stays in force as it was, and the place of the problem is told', async (t) => {
  const mine = await folderOfMine(t);
  await mine.save('restart.yaml', text('1s'));
  const book = await mine.open();
  await mine.save('restart.yaml', text('1s').replace('unit.restart', 'unit.destroy'));
  await book.look();
  assert.equal(book.playbooks.get('shop.restart')?.check?.settle, '1s');
  const [problem] = book.problems();
  assert.deepEqual([problem?.line, problem?.file], [6, join(mine.folder, 'restart.yaml')]);
  await mine.save('restart.yaml', text('3s'));
  await book.look();
  assert.deepEqual([book.problems().length, book.playbooks.get('shop.restart')?.check?.settle], [0, '3s']);
});

test('T20: when a file takes the id of a built-in playbook, or anybody could write it, it is left out', async (t) => {
  const mine = await folderOfMine(t);
  await mine.save('mine.yaml', text('1s', 'service.restart'));
  await mine.save('open.yaml', text('1s'));
  await chmod(join(mine.folder, 'open.yaml'), 0o666);
  const book = await mine.open();
  const builtIn = await readFile(join(libraryFolder, 'service/restart.yaml'), 'utf8');
  assert.equal(book.playbooks.get('service.restart')?.yaml, builtIn);
  assert.equal(book.playbooks.has('shop.restart'), false);
  assert.deepEqual(
    book.problems().map(({ message }) => message),
    ['another file has the id service.restart too', 'anybody may write it: chmod o-w open.yaml'],
  );
});

test('T20: when anybody may write into a folder of playbooks, none in it counts until that is mended', async (t) => {
  const mine = await folderOfMine(t);
  await mine.save('restart.yaml', text('1s'));
  await chmod(mine.folder, 0o777);
  const book = await mine.open();
  assert.equal(book.playbooks.has('shop.restart'), false);
  assert.deepEqual(
    book.problems().map(({ message }) => message),
    ['anybody may write into its folder: chmod o-w playbooks'],
  );
  await chmod(mine.folder, 0o750);
  await book.look();
  assert.deepEqual([book.playbooks.has('shop.restart'), book.problems().length], [true, 0]);
});

test('when files changed while nothing ran, the next start keeps that as one version, and an unchanged start keeps none', async (t) => {
  const mine = await folderOfMine(t);
  await mine.save('restart.yaml', text('1s'));
  await mine.open();
  await mine.open();
  await mine.save('restart.yaml', text('2s'));
  await rename(join(mine.folder, 'restart.yaml'), join(mine.folder, 'again.yaml'));
  await mine.open();
  const versions = await listVersions(mine.db, 'shop.restart', 10);
  assert.deepEqual(
    versions.map(({ source }) => source.slice(mine.folder.length + 1)),
    ['again.yaml', 'restart.yaml'],
  );
});

/** The loop reads files, so it takes as long as they do. */
async function waitFor(holds: () => boolean): Promise<void> {
  const until = performance.now() + 20_000;
  while (!holds() && performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
  assert.ok(holds());
}
