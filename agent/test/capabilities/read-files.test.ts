import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { observers } from '@countersign/agent/capabilities/index';
import { observations } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { cpuMs } from '../../../test/world/cpu-ms.ts';
import { Place } from './context.ts';

const KEY = `-----BEGIN RSA PRIVATE KEY-----\n${Array.from({ length: 20 }, (_, line) => `MIIEow/IBAAKC+QEA${line}`).join('\n')}\n-----END RSA PRIVATE KEY-----`;

const read = (
  place: Place,
  name: string,
  range: { from_line?: number; lines?: number } = {},
  secretValues: string[] = [],
) =>
  observers['file.read'](
    observations['file.read'].parameters.parse({ path: place.at(name), ...range }),
    place.observe({ secretValues }),
  );
const search = (place: Place, text: string, more: object = {}) =>
  observers['file.search'](
    observations['file.search'].parameters.parse({ path: place.root, text, ...more }),
    place.observe(),
  );

test('when a range of a file is read, its lines come with the hash of the whole', async () => {
  using place = new Place();
  const text = Array.from({ length: 100 }, (_, index) => `line ${index + 1}`).join('\n');
  writeFileSync(place.at('a'), text);
  const found = await read(place, 'a', { from_line: 10, lines: 3 });
  assert.equal(found.untrusted_output, 'line 10\nline 11\nline 12');
  assert.equal(found.sha256, sha256(text));
  assert.deepEqual([found.total_lines, found.bytes, found.truncated], [100, text.length, true]);
  assert.equal((await read(place, 'a', { from_line: 100 })).truncated, false);
  observations['file.read'].result.parse(found);
});

test('when a file holds secrets, they are blacked out, even where a range begins inside of a key', async () => {
  using place = new Place();
  writeFileSync(place.at('a'), `db_password = hunter2hunter2\n${KEY}\nown-value-123456\n\u001b[31mred\u202e\n`);
  const found = await read(place, 'a', {}, ['own-value-123456']);
  assert.doesNotMatch(found.untrusted_output, /hunter2|MIIEow|own-value|\u001b|\u202e/);
  assert.ok(found.redactions >= 3);
  const middle = await read(place, 'a', { from_line: 8, lines: 5 });
  assert.equal(middle.untrusted_output, Array(5).fill('[redacted]').join('\n'));
});

test('when a file is binary, too big or outside of the roots, reading it is refused', async () => {
  using place = new Place();
  writeFileSync(place.at('bin'), Buffer.from([1, 0, 2]));
  symlinkSync('/etc/passwd', place.at('link'));
  await assert.rejects(read(place, 'bin'), { code: 'path_denied', message: /not a text file/ });
  await assert.rejects(read(place, 'link'), { code: 'path_denied', message: /leads to \/etc\/passwd/ });
});

test('when files are searched, fitting lines come with path and number', async () => {
  using place = new Place();
  mkdirSync(place.at('conf.d'));
  writeFileSync(place.at('conf.d/a.conf'), 'one\ntwo listen 80\n');
  writeFileSync(place.at('conf.d/b.txt'), 'listen 81\n');
  writeFileSync(place.at('bin'), Buffer.from('listen\0'));
  const found = await search(place, 'listen', { name: '*.conf' });
  assert.deepEqual(found.matches, [{ path: place.at('conf.d/a.conf'), line: 2, untrusted_output: 'two listen 80' }]);
  assert.equal(found.files_searched, 1);
  assert.equal((await search(place, 'listen')).matches.length, 2);
  const first = await search(place, 'listen', { max_matches: 1 });
  assert.deepEqual([first.matches.length, first.truncated], [1, true]);
  await assert.rejects(observers['file.search']({ path: '/etc', text: 'root', max_matches: 5 }, place.observe()), {
    code: 'path_denied',
  });
});

test('when a search is for part of a secret, it finds nothing, so that nobody can guess it letter by letter (T14)', async () => {
  using place = new Place();
  writeFileSync(place.at('env'), `API_TOKEN=abcdef123456\n${KEY}\n`);
  for (const text of ['abcdef', 'API_TOKEN=a', 'MIIEow/IBAAKC+QEA7', 'c'])
    assert.deepEqual((await search(place, text)).matches, [], text);
  assert.equal((await search(place, 'API_TOKEN')).matches[0]?.untrusted_output, 'API_TOKEN=[redacted]');
});

test('T13: when a name to search for is made to take for ever, it is answered at once', {
  timeout: 20_000,
}, async () => {
  using place = new Place();
  writeFileSync(place.at('a'.repeat(200)), 'x\n');
  const found = await search(place, 'x', { name: `${'*a'.repeat(40)}*b` });
  assert.deepEqual([found.matches.length, found.files_searched], [0, 0]);
  assert.equal((await search(place, 'x', { name: `${'*?'.repeat(40)}` })).matches.length, 1);
});

test('T13: when lines are very long, only as many are looked through as fit into an answer', async () => {
  using place = new Place();
  writeFileSync(place.at('long'), `${'word '.repeat(12_000)}\n`.repeat(1000));
  const from = cpuMs();
  const found = await read(place, 'long', { lines: 2000 });
  assert.ok(cpuMs() - from < 3000, `${cpuMs() - from} ms`);
  assert.deepEqual([found.truncated, found.total_lines], [true, 1000]);
  assert.ok(found.untrusted_output.length <= 256 * 1024);
});

test('when the file to compare with lies very deep, its place is told in short', async () => {
  using place = new Place();
  const deep = Array.from({ length: 4 }, () => 'd'.repeat(200)).join('/');
  mkdirSync(place.at(deep), { recursive: true });
  writeFileSync(place.at('a'), 'one\n');
  writeFileSync(place.at(`${deep}/b`), 'two\n');
  const asked = { path: place.at('a'), against: 'file' as const, other: place.at(`${deep}/b`) };
  const found = await observers['file.diff'](observations['file.diff'].parameters.parse(asked), place.observe());
  assert.equal(observations['file.diff'].result.parse(found).same, false);
});
