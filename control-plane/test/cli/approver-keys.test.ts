import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { bytesToSign, signDigest, whyNotSigned } from '@countersign/protocol/approver-signature';
import { sha256 } from '@countersign/protocol/digest';
import { keyFingerprint } from '@countersign/protocol/key-fingerprint';
import { makeSigningKey } from '@countersign/protocol/signing';
import { openKeyFile, publicKeyIn, writeKeyFile } from '../../src/cli/approver-keys/key-file.ts';
import { isKeyNamed, readKeyText } from '../../src/cli/approver-keys/key-text.ts';
import { sshAgent } from '../../src/cli/approver-keys/ssh-agent.ts';
import { fingerprintOf, sshKey, sshTest, startSshAgent } from './agent-of-ssh.ts';
import { makeMachine } from './processes.ts';

const passphrase = 'a long passphrase';
const digest = sha256('a plan');
const nobody = () => Promise.reject(new Error('no passphrase is needed'));

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-keys-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('when a key is made, only its owner can read the file, its passphrase opens it, and no other does', async (context) => {
  const machine = await makeMachine(context);
  const file = join(machine.dataDir, 'ada.key');
  const create = ['key', 'create', '--out', file, '--passphrase-stdin', '--json'];
  const made = await machine.cli(create, { input: passphrase });
  assert.equal(made.code, 0, made.err);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(readFileSync(file, 'utf8'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
  const { key, fingerprint } = made.json();
  assert.deepEqual((await machine.cli(['key', 'show', file, '--json'])).json(), { key, fingerprint });
  const open = ['key', 'show', file, '--open', '--passphrase-stdin', '--json'];
  assert.deepEqual((await machine.cli(open, { input: passphrase })).json(), { key, fingerprint });
  const wrong = await machine.cli(open, { input: 'another passphrase' });
  assert.equal(wrong.code, 2);
  assert.match(wrong.json().error.message, /does not open with this passphrase/);
  const again = await machine.cli(create, { input: passphrase });
  assert.match(again.json().error.message, /is there already/);
  assert.match(
    (await machine.cli([...create.slice(0, 3), `${file}2`, ...create.slice(4)], { input: 'short' })).json().error
      .message,
    /fewer than 12/,
  );
});

test('when a key file is opened, it signs as the key that was written, and the runner counts that', async (context) => {
  const folder = folderOf(context);
  for (const secret of [null, passphrase]) {
    const file = join(folder, `key-${secret === null}`);
    const made = makeSigningKey();
    await writeKeyFile(file, made, secret);
    const { publicKey: key, seed } = await openKeyFile(file, secret === null ? nobody : async () => secret);
    assert.equal(key, made.publicKey);
    assert.equal(whyNotSigned({ kind: 'ed25519', key, signature: signDigest(digest, seed) }, digest, null), null);
    assert.equal(await publicKeyIn(`${file}.pub`), made.publicKey);
  }
});

test('when others could read a key file, it is refused until that is mended', async (context) => {
  const folder = folderOf(context);
  const file = join(folder, 'key');
  await writeKeyFile(file, makeSigningKey(), null);
  chmodSync(file, 0o640);
  await assert.rejects(openKeyFile(file, nobody), /Others can read/);
});

sshTest('when a key is one of OpenSSH, it is read and named as ssh-keygen names it', async (context) => {
  const folder = folderOf(context);
  const file = join(folder, 'id_ed25519');
  sshKey(file);
  const { publicKey, seed } = await openKeyFile(file, nobody);
  assert.equal(keyFingerprint(publicKey), fingerprintOf(file));
  assert.equal(readKeyText(readFileSync(`${file}.pub`, 'utf8')), publicKey);
  assert.equal(await publicKeyIn(`${file}.pub`), publicKey);
  assert.ok(isKeyNamed(publicKey, fingerprintOf(file)));
  assert.ok(!isKeyNamed(publicKey, 'SHA256:abc'), 'too short a beginning names nothing');
  assert.equal(seed.length, 43);
});

sshTest('when an OpenSSH key is encrypted, damaged or of another kind, the words say what to do', async (context) => {
  const folder = folderOf(context);
  const encrypted = join(folder, 'encrypted');
  sshKey(encrypted, { passphrase });
  await assert.rejects(openKeyFile(encrypted, nobody), (error: Error & { next: string }) => {
    assert.match(error.message, /encrypted by OpenSSH/);
    assert.match(error.next, /ssh-add .* --ssh-agent/);
    return true;
  });
  const rsa = join(folder, 'rsa');
  sshKey(rsa, { kind: 'rsa' });
  await assert.rejects(openKeyFile(rsa, nobody), /another kind/);
  const good = join(folder, 'good');
  sshKey(good);
  const lines = readFileSync(good, 'utf8').split('\n');
  const damaged = join(folder, 'damaged');
  for (const at of [1, 2, 3]) {
    writeFileSync(damaged, lines.map((line, n) => (n === at ? `AAAA${line.slice(4)}` : line)).join('\n'), {
      mode: 0o600,
    });
    // What is changed may be a comment or the check numbers; whatever opens must be the key itself.
    const opened = await openKeyFile(damaged, nobody).catch((error: Error) => error.name);
    if (typeof opened === 'object') assert.deepEqual(opened, await openKeyFile(good, nobody));
    else assert.equal(opened, 'UsageError');
  }
  writeFileSync(damaged, lines.slice(0, 2).join('\n'), { mode: 0o600 });
  await assert.rejects(openKeyFile(damaged, nobody), /damaged/);
});

sshTest(
  'when the ssh-agent signs, the signature is one that the runner counts, and the private key stays with the agent',
  async (context) => {
    const ssh = await startSshAgent(context);
    const { fingerprint } = ssh.add('ada');
    ssh.add('old', 'rsa');
    const agent = sshAgent(ssh.socket, systemClock);
    const [held, ...others] = await agent.keys();
    assert.ok(held);
    assert.deepEqual(others, [], 'keys of other kinds are passed over');
    assert.equal(keyFingerprint(held.key), fingerprint);
    assert.equal(held.comment, 'a key');
    const signature = await agent.sign(held.key, bytesToSign(digest));
    assert.equal(whyNotSigned({ kind: 'ed25519', key: held.key, signature }, digest, null), null);
    assert.match(
      whyNotSigned({ kind: 'ed25519', key: held.key, signature }, sha256('another'), null) ?? '',
      /over something else/,
    );
    ssh.clear();
    await assert.rejects(agent.sign(held.key, bytesToSign(digest)), /did not sign/);
  },
);

test('when the ssh-agent is not there, hangs up or talks nonsense, the words say so', async (context) => {
  const folder = folderOf(context);
  const missing = sshAgent(join(folder, 'nothing'), systemClock);
  await assert.rejects(missing.keys(), /No ssh-agent answers/);
  const answers = [
    Buffer.alloc(0),
    Buffer.from([0, 0, 0, 5, 12, 0, 0, 0, 9]),
    Buffer.from([255, 255, 255, 255, 12]),
    Buffer.from([0, 0, 0, 1, 5]),
  ];
  const words = [/hung up/, /ends too early/, /too long/, /does not list its keys/];
  for (const [index, bytes] of answers.entries()) {
    const path = join(folder, `agent-${index}`);
    const server = createServer((socket) => socket.end(bytes)).listen(path);
    context.after(() => server.close());
    await new Promise((resolve) => server.once('listening', resolve));
    await assert.rejects(sshAgent(path, systemClock).keys(), words[index] ?? assert.fail());
  }
});
