import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openAllowed, readAllowed, replaceFile, targetOf } from '@countersign/agent/host/files';
import { filesBelow } from '@countersign/agent/host/files-below';
import { readTail } from '@countersign/agent/host/read-tail';
import { secretBecause } from '@countersign/agent/host/secret-files';
import { Place } from '../capabilities/context.ts';

test('when a path lies below a root, its file is read', () => {
  using place = new Place();
  writeFileSync(place.at('a.conf'), 'hello');
  const roots = { roots: [place.root], denied: [] };
  assert.equal(readAllowed(place.at('a.conf'), roots, 100).bytes.toString(), 'hello');
  assert.throws(() => readAllowed(place.at('a.conf'), roots, 4), { code: 'file_too_large' });
  assert.throws(() => readAllowed(place.at('none'), roots, 4), { code: 'file_not_found' });
});

test('when a path leads out of the roots, it is denied, by whatever way it does (T15)', () => {
  using place = new Place();
  using other = new Place();
  const roots = { roots: [place.root], denied: [place.at('denied')] };
  writeFileSync(other.at('secret'), 'x');
  mkdirSync(place.at('denied'));
  writeFileSync(place.at('denied/file'), 'x');
  symlinkSync(other.at('secret'), place.at('file-link'));
  symlinkSync(other.root, place.at('folder-link'));
  symlinkSync('/proc/self/environ', place.at('proc-link'));
  symlinkSync('/dev/zero', place.at('device-link'));
  symlinkSync(place.at('denied/file'), place.at('denied-link'));
  const denied = [
    'file-link',
    'folder-link/secret',
    'proc-link',
    'device-link',
    'denied/file',
    'denied-link',
    'denied',
  ];
  for (const name of denied) assert.throws(() => openAllowed(place.at(name), roots), { code: 'path_denied' }, name);
  assert.throws(() => openAllowed(other.at('secret'), roots), { code: 'path_denied' });
  assert.throws(() => openAllowed(`${place.root}-not`, roots), { code: 'path_denied' });
});

test('when a path is no regular file, it is denied and not waited for', () => {
  using place = new Place();
  execFileSync('mkfifo', [place.at('pipe')]);
  mkdirSync(place.at('folder'));
  const everywhere = { roots: ['/'], denied: [] };
  for (const path of [
    place.at('pipe'),
    place.at('folder'),
    '/dev/null',
    '/dev/zero',
    '/proc/version',
    '/sys/kernel/notes',
  ])
    assert.throws(() => openAllowed(path, everywhere), { code: 'path_denied' }, path);
});

test('when a link ends below a root, the file behind it is meant', () => {
  using place = new Place();
  mkdirSync(place.at('available'));
  writeFileSync(place.at('available/site'), 'x');
  symlinkSync('available/site', place.at('enabled'));
  const roots = { roots: [place.root], denied: [] };
  using file = openAllowed(place.at('enabled'), roots);
  assert.equal(file.path, place.at('available/site'));
  assert.equal(targetOf(place.at('enabled'), roots).path, place.at('available/site'));
});

test('when a file holds keys or passwords by its name or place, it is denied below any root', () => {
  const secret = [
    '/etc/shadow',
    '/etc/gshadow-',
    '/etc/ssh/ssh_host_ed25519_key',
    '/root/.ssh/id_ed25519',
    '/home/a/.ssh/deploy',
    '/etc/ssl/private/x.pem',
    '/etc/letsencrypt/live/a/privkey.pem',
    '/srv/tls/site.key',
    '/home/a/.aws/credentials',
    '/root/.pgpass',
    '/etc/wireguard/wg0.conf',
    '/etc/countersign/policy.yaml',
    '/var/lib/countersign/keys/a',
    '/x/.gnupg/secring',
    '/a/b.p12',
    '/root/.config/gh/hosts.yml',
  ];
  for (const path of secret) assert.ok(secretBecause(path), path);
  for (const path of [
    '/etc/nginx/nginx.conf',
    '/root/.ssh/authorized_keys',
    '/etc/ssh/ssh_host_rsa_key.pub',
    '/etc/ssh/sshd_config',
    '/srv/keys.txt',
  ])
    assert.equal(secretBecause(path), undefined, path);
  assert.throws(() => openAllowed('/etc/shadow', { roots: ['/'], denied: [] }), { code: 'path_denied' });
});

test('when a file is replaced, its mode and owner stay and nothing is left beside it', () => {
  using place = new Place();
  writeFileSync(place.at('a'), 'old');
  chmodSync(place.at('a'), 0o640);
  linkSync(place.at('a'), place.at('other-name'));
  const before = statSync(place.at('a'));
  replaceFile(place.at('a'), Buffer.from('new'), before);
  const after = statSync(place.at('a'));
  assert.equal(readFileSync(place.at('a'), 'utf8'), 'new');
  assert.equal(readFileSync(place.at('other-name'), 'utf8'), 'old');
  assert.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
  assert.deepEqual([...filesBelow(place.root, { roots: [place.root], denied: [] })].sort(), [
    place.at('a'),
    place.at('other-name'),
  ]);
});

test('when the file system is full, replacing a file fails with the reason and the file stays', {
  skip: process.getuid?.() === 0 ? false : 'needs root to mount',
}, () => {
  using place = new Place();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', place.root]);
  try {
    writeFileSync(place.at('a'), 'old');
    assert.throws(() => replaceFile(place.at('a'), Buffer.alloc(200_000), statSync(place.at('a'))), {
      code: 'path_denied',
      message: /file system is full/,
    });
    assert.equal(readFileSync(place.at('a'), 'utf8'), 'old');
    assert.deepEqual([...filesBelow(place.root, { roots: [place.root], denied: [] })], [place.at('a')]);
  } finally {
    execFileSync('umount', [place.root]);
  }
});

test('when files below a folder are listed, links are not followed and denied folders not entered', () => {
  using place = new Place();
  mkdirSync(place.at('a/b'), { recursive: true });
  mkdirSync(place.at('no'));
  for (const name of ['a/1', 'a/b/2', 'no/3']) writeFileSync(place.at(name), '');
  symlinkSync('/etc', place.at('a/etc'));
  const found = [...filesBelow(place.root, { roots: [place.root], denied: [place.at('no')] })];
  assert.deepEqual(found, [place.at('a/1'), place.at('a/b/2')]);
});

test('when only the tail of a file is read, it begins with a whole line', () => {
  using place = new Place();
  writeFileSync(place.at('log'), `${'x'.repeat(50)}\nsecond\nthird\n`);
  const roots = { roots: [place.root], denied: [] };
  assert.deepEqual(readTail(place.at('log'), roots, 20), { text: 'second\nthird\n', bytes: 64, cut: true });
  assert.equal(readTail(place.at('log'), roots, 1000).cut, false);
  assert.throws(() => readTail(join(place.root, '..', 'x'), roots, 10), { code: 'path_denied' });
});
