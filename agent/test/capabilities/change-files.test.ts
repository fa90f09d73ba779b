import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'node:test';
import { settledChange } from '@countersign/agent/capabilities/files/settled-file';
import { changers } from '@countersign/agent/capabilities/index';
import { changes, Fault, type ParametersOf } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { journaled, Place } from './context.ts';

const write = (
  place: Place,
  name: string,
  content: string,
  expected: string | null,
  validator = 'none',
): ParametersOf<'file.write'> =>
  changes['file.write'].parameters.parse({ path: place.at(name), content, expected_sha256: expected, validator });
const file = changers['file.write'];
const key = changers['config.set_key'];

test('when a file is to be written, the preview shows the diff and the facts it rests on, and nothing is changed', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'one\ntwo\n');
  const { preview, witness } = await file.preview(write(place, 'a', 'one\n2\n', sha256('one\ntwo\n')), place.observe());
  assert.equal(preview.diff, `--- ${place.at('a')}\n+++ ${place.at('a')}\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n`);
  assert.deepEqual(witness[0], { subject: `file ${place.at('a')}`, property: 'sha256', value: sha256('one\ntwo\n') });
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'one\ntwo\n');
});

test('when a file is not what was expected, writing it is refused before anything is done', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'now');
  await assert.rejects(file.preview(write(place, 'a', 'new', sha256('then')), place.observe()), {
    code: 'file_changed',
  });
  await assert.rejects(file.preview(write(place, 'a', 'new', null), place.observe()), { code: 'file_changed' });
  await assert.rejects(file.preview(write(place, 'none', 'new', sha256('then')), place.observe()), {
    code: 'file_not_found',
  });
  await assert.rejects(file.preview(write(place, 'no/folder', 'new', null), place.observe()), {
    code: 'file_not_found',
  });
  await assert.rejects(
    file.preview({ ...write(place, 'a', 'new', null), path: '/etc/countersign-x' }, place.observe()),
    { code: 'path_denied' },
  );
});

test('when a file was written, its undo brings back content, mode and owner', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'old');
  chmodSync(place.at('a'), 0o600);
  const parameters = write(place, 'a', 'new', sha256('old'));
  const memory = journaled(await file.remember?.(parameters, place.change()));
  assert.equal((await file.perform(parameters, memory, place.change())).changed, true);
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'new');
  assert.equal(statSync(place.at('a')).mode & 0o777, 0o600);
  assert.equal((await file.recover?.(parameters, memory, place.change()))?.changed, true);
  assert.equal((await file.undo?.(parameters, memory, place.change()))?.changed, true);
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'old');
  assert.deepEqual(await file.undo?.(parameters, memory, place.change()), {
    changed: false,
    exit_code: null,
    summary: `${place.at('a')} is as it was before.`,
  });
  assert.equal((await file.recover?.(parameters, memory, place.change()))?.exit_code, 1);
});

test('when a file was made, its undo removes it; when somebody else changed it since, it is left alone', async () => {
  using place = new Place();
  const parameters = write(place, 'fresh', 'content', null);
  const memory = journaled(await file.remember?.(parameters, place.change()));
  await file.perform(parameters, memory, place.change());
  assert.equal(statSync(place.at('fresh')).mode & 0o777, 0o644);
  writeFileSync(place.at('fresh'), 'by hand');
  assert.equal((await file.undo?.(parameters, memory, place.change()))?.exit_code, 1);
  assert.equal(await file.recover?.(parameters, memory, place.change()), null);
  writeFileSync(place.at('fresh'), 'content');
  await file.undo?.(parameters, memory, place.change());
  assert.equal(existsSync(place.at('fresh')), false);
});

test('when the file changed between memory and start, nothing is written', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'key=1\n');
  const parameters = changes['config.set_key'].parameters.parse({
    path: place.at('a'),
    format: 'env',
    key: 'key',
    value: '2',
  });
  const memory = journaled(await key.remember?.(parameters, place.change()));
  writeFileSync(place.at('a'), 'key=3\n');
  await assert.rejects(key.perform(parameters, memory, place.change()), { code: 'state_drifted' });
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'key=3\n');
});

test('when a new content is no valid JSON or YAML, the preview says so', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), '{}');
  for (const validator of ['json', 'yaml'])
    await assert.rejects(file.preview(write(place, 'a', '{"a": [1,}', sha256('{}'), validator), place.observe()), {
      code: 'validator_failed',
    });
  const good = await file.preview(write(place, 'a', '{"a": 1}', sha256('{}'), 'json'), place.observe());
  assert.ok(good.preview.effects.includes('The new content is valid JSON.'));
});

test('when a key is set behind a link, the file behind it changes and the link stays', async () => {
  using place = new Place();
  mkdirSync(place.at('available'));
  writeFileSync(place.at('available/site'), 'server { listen 80; }\n');
  symlinkSync('available/site', place.at('enabled'));
  const parameters = changes['config.set_key'].parameters.parse({
    path: place.at('enabled'),
    format: 'nginx',
    section: 'server',
    key: 'listen',
    value: '8080',
  });
  const { preview } = await key.preview(parameters, place.observe());
  assert.match(preview.diff ?? '', /-server \{ listen 80; \}\n\+server \{ listen 8080; \}/);
  assert.ok(preview.effects.some((effect) => /is a link that leads there/.test(effect)));
  const memory = journaled(await key.remember?.(parameters, place.change({ step: 'set' })));
  await key.perform(parameters, memory, place.change({ step: 'set' }));
  assert.equal(readFileSync(place.at('enabled'), 'utf8'), 'server { listen 8080; }\n');

  const restore = changers['file.restore'];
  const earlier = [{ step: 'set', capability: 'config.set_key' as const, parameters: {}, memory }];
  const undone = await restore.perform({ path: place.at('enabled') }, null, place.change({ step: 'restore', earlier }));
  assert.equal(undone.changed, true);
  assert.equal(readFileSync(place.at('available/site'), 'utf8'), 'server { listen 80; }\n');
  await assert.rejects(restore.preview({ path: place.at('enabled') }, place.observe()), {
    code: 'precondition_failed',
  });
  assert.equal((await restore.perform({ path: place.at('other') }, null, place.change())).changed, false);
});

test('when secrets stand near a change, the diff does not show them', async () => {
  using place = new Place();
  const text = 'API_TOKEN=abcdef123456\nPORT=80\nDB_PASSWORD=hunter2hunter2\n';
  writeFileSync(place.at('env'), text);
  const parameters = changes['config.set_key'].parameters.parse({
    path: place.at('env'),
    format: 'env',
    key: 'PORT',
    value: '81',
  });
  const { preview } = await key.preview(parameters, place.observe());
  assert.match(preview.diff ?? '', /-PORT=80\n\+PORT=81/);
  assert.doesNotMatch(preview.diff ?? '', /abcdef|hunter2/);
});

test('when no backup can be written, nothing is changed', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'old');
  const context = { ...place.change(), stateDir: '/dev/null/nowhere' };
  await assert.rejects(file.remember?.(write(place, 'a', 'new', sha256('old')), context) ?? Promise.resolve(), {
    code: 'precondition_failed',
  });
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'old');
});

test('when a command is run, its words, folder and exit code are as asked, and no shell looks at it', async () => {
  using place = new Place();
  const parameters = changes['command.run'].parameters.parse({
    argv: ['sh', '-c', 'echo "$0|$PWD"; exit 4', '$(id)'],
    cwd: place.root,
  });
  assert.deepEqual((await changers['command.run'].preview(parameters, place.observe())).preview.argv, [
    parameters.argv,
  ]);
  const done = await changers['command.run'].perform(parameters, null, place.change());
  assert.deepEqual([done.exit_code, place.output.join('')], [4, `$(id)|${place.root}\n`]);
  const missing = changes['command.run'].parameters.parse({ argv: ['countersign-nothing'] });
  assert.deepEqual(await changers['command.run'].perform(missing, null, place.change()), {
    changed: false,
    exit_code: 127,
    summary: 'countersign-nothing is not installed.',
  });
});

test('T15: when a folder or the file itself becomes a link between preview and start, nothing is written behind it', async () => {
  for (const swapped of ['folder', 'file'] as const)
    for (const at of ['memory', 'start'] as const) {
      using place = new Place();
      using outside = new Place();
      mkdirSync(place.at('site'));
      writeFileSync(place.at('site/a'), 'old');
      writeFileSync(outside.at('a'), 'old');
      const parameters = write(place, 'site/a', 'new', sha256('old'));
      await file.preview(parameters, place.observe());
      const swap = () => {
        renameSync(place.at(swapped === 'folder' ? 'site' : 'site/a'), place.at('aside'));
        if (swapped === 'folder') symlinkSync(outside.at('.'), place.at('site'));
        else symlinkSync(outside.at('a'), place.at('site/a'));
      };
      const attack = async () => {
        if (at === 'memory') swap();
        const memory = journaled(await file.remember?.(parameters, place.change()));
        if (at === 'start') swap();
        return file.perform(parameters, memory, place.change());
      };
      await assert.rejects(attack(), { code: 'path_denied' }, `${swapped} swapped before ${at}`);
      assert.equal(readFileSync(outside.at('a'), 'utf8'), 'old', `${swapped} swapped before ${at}`);
    }
});

test('T15: when a file has another name elsewhere, that one keeps its content', async () => {
  using place = new Place();
  using outside = new Place();
  writeFileSync(outside.at('shared'), 'old');
  linkSync(outside.at('shared'), place.at('a'));
  const parameters = write(place, 'a', 'new', sha256('old'));
  const memory = journaled(await file.remember?.(parameters, place.change()));
  await file.perform(parameters, memory, place.change());
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'new');
  assert.equal(readFileSync(outside.at('shared'), 'utf8'), 'old');
});

test('T15: when a path goes through /proc or to a device, it is not written', async () => {
  using place = new Place();
  for (const path of ['/proc/self/root/etc/countersign-x', '/proc/self/cwd/a', '/dev/null', '/dev/../proc/self/mem'])
    await assert.rejects(
      file.preview({ ...write(place, 'a', 'new', null), path }, place.observe()),
      (error) => error instanceof Fault && ['path_denied', 'file_not_found', 'invalid_input'].includes(error.code),
      path,
    );
  assert.equal(existsSync(place.at('a')), false);
});

test('when the owner denies a file whose place we know, it is refused before its folder is made', () => {
  using place = new Place();
  const change = (deniedPaths: string[]) =>
    settledChange(place.at('folder/a.conf'), () => 'a', place.observe({ writeRoots: [], deniedPaths }));
  assert.equal(change([]).after, 'a');
  assert.throws(() => change([place.at('folder')]), { code: 'path_denied' });
});
