/** The lock and the witness as the owner of a server meets them there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { signedWitnessSchema } from '@countersign/protocol';
import { makeSigningKey, verifyValue } from '@countersign/protocol/signing';
import { approver, changeOf, lockOf, PARTY, passkeyHolder } from '../../../protocol/test/approvers.ts';
import { type AgentConfig, readConfig } from '../../src/config.ts';
import { parseSettings, withMember } from '../../src/host/yaml.ts';
import { policyFileSchema, readLocalPolicy } from '../../src/run/local-policy.ts';
import { LockBook } from '../../src/run/lock-book.ts';
import { settingsText } from '../../src/settings.ts';
import { followedLock, lockLines, pinLock, readLockFile, standingOf } from '../../src/verbs/lock.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const ada = approver('Ada');
const bob = passkeyHolder('Bob');
const lock = lockOf([ada, bob], { high: 2, critical: 2 });

const POLICY = `# mine
mode: act   # after the review
units:
  deny: ["postgresql*"] # never
# the end
`;

function server(t: TestContext, policy = POLICY): AgentConfig {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-lock-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'agent.yaml');
  writeFileSync(file, settingsText(file, { url: 'http://localhost:1', cpKey: makeSigningKey().publicKey }));
  const config = readConfig(file);
  if (policy !== '') writeFileSync(config.policyFile, policy, { mode: 0o644 });
  return config;
}

const pin = (config: AgentConfig, given = lock, more: { replace?: boolean; checkOnly?: boolean } = {}) =>
  pinLock({ policyFile: config.policyFile, lock: given, replace: false, checkOnly: false, ...more });

test('T1: when a lock is pinned, the rest of the policy stays word for word, and it is in force', (t) => {
  const config = server(t);
  assert.equal(followedLock(config), null);
  assert.match(standingOf(config), /^unlocked: this server believes its control plane/);
  assert.equal(pin(config, lock, { checkOnly: true }), true);
  assert.equal(readFileSync(config.policyFile, 'utf8'), POLICY, 'a check writes nothing');
  assert.equal(pin(config), true);
  const text = readFileSync(config.policyFile, 'utf8');
  assert.ok(text.startsWith(POLICY), text);
  assert.equal(statSync(config.policyFile).mode & 0o777, 0o644);
  assert.deepEqual(followedLock(config), lock);
  assert.deepEqual(readLocalPolicy(config.policyFile).mode, 'act');
  assert.equal(pin(config), false, 'the same lock again changes nothing');
});

test('T1: when another lock is pinned already, it is replaced only when that is said', (t) => {
  const config = server(t);
  pin(config);
  const other = { ...lock, chain: 'lck_00000000000x' };
  assert.throws(() => pin(config, other), /pins another lock already \(lck_000000000001, state 0\).*--replace/);
  assert.deepEqual(followedLock(config), lock);
  assert.equal(pin(config, other, { replace: true }), true);
  assert.deepEqual(followedLock(config), other);
  assert.equal(readFileSync(config.policyFile, 'utf8').match(/^lock:/gm)?.length, 1);
});

test('when a lock stands between other members, it alone is replaced, and comments around it stay', (t) => {
  const members = `lock:\n  format: x\n  keys: [1,\n    2] # two\n`;
  for (const [before, after] of [
    [`# first\n`, `\n# about mode\nmode: act\n`],
    ['', `mode: act # end`],
    [`mode: act\n`, ''],
    [`mode: act\n`, '# last\n'],
  ] as const) {
    for (const present of [members, 'lock: null # open\n', 'lock:\n', 'lock: ~\n']) {
      const text = withMember(`${before}${present}${after}`, 'lock', lock, 'x');
      assert.ok(text.startsWith(before) && text.endsWith(after), text);
      assert.deepEqual(parseSettings(text, policyFileSchema, 'x').lock, lock, text);
    }
    const without = withMember(before + after, 'lock', lock, 'x');
    assert.ok(without.startsWith(before + after), without);
    assert.deepEqual(parseSettings(without, policyFileSchema, 'x').lock, lock, without);
  }
  const config = server(t, '{mode: act}\n');
  assert.throws(() => pin(config), /one below the other/);
});

test('when there is no policy file, pinning makes one that allows reading only', (t) => {
  const config = server(t, '');
  pin(config);
  const policy = readLocalPolicy(config.policyFile);
  assert.deepEqual([policy.mode, policy.lock?.chain], ['observe', lock.chain]);
});

test('when the policy does not fit already, nothing is pinned', (t) => {
  const config = server(t, 'mode: sometimes\n');
  assert.throws(() => pin(config), /does not fit: mode/);
  assert.equal(readFileSync(config.policyFile, 'utf8'), 'mode: sometimes\n');
});

test('when a lock file is read, it may be JSON or YAML, and one that nobody could open is refused with the reason', (t) => {
  const config = server(t);
  const file = join(config.stateDir, '..', 'lock');
  writeFileSync(file, JSON.stringify(lock));
  assert.deepEqual(readLockFile(file), lock);
  const lines = Object.entries(lock).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  writeFileSync(file, `# of the team\n${lines.join('\n')}\n`);
  assert.deepEqual(readLockFile(file), lock);
  writeFileSync(file, JSON.stringify({ ...lock, party: null }));
  assert.throws(() => readLockFile(file), /a passkey needs a relying party/);
  writeFileSync(file, 'mode: act\n');
  assert.throws(() => readLockFile(file), /does not fit: .*format/);
  assert.throws(() => readLockFile('/nowhere'), /there is no lock file \/nowhere/);
});

test('when the lock is shown, it tells number, holders, who must sign, fingerprints, and that it was ended', (t) => {
  const config = server(t);
  pin(config);
  const shown = lockLines(followedLock(config), config).join('\n');
  assert.match(shown, /^locked: changes need the signature of Ada or Bob$/m);
  assert.match(shown, /lck_000000000001, state 0, pinned in/);
  assert.match(shown, /low 1, medium 1, high 2, critical 2, change 2/);
  assert.match(shown, new RegExp(`passkeys\\s+of ${PARTY.id}, on ${PARTY.origins[0]}`));
  assert.match(shown, /Ada {2}ed25519 {2}SHA256:[A-Za-z0-9+/]{43}$/m);
  assert.match(shown, /Bob {2}passkey {2}SHA256:[A-Za-z0-9+/]{43}$/m);
  assert.match(shown, /recovery\s+none/);
  const ended = lockLines({ ...lock, disabled: true, recovery: 'a'.repeat(64) }, config).join('\n');
  assert.match(ended, /^unlocked: its lock was ended with the recovery secret/);
  assert.match(ended, /recovery\s+with the secret/);
  assert.match(lockLines(null, config).join('\n'), /lock pin FILE/);
});

test('when changes were followed, the lock is shown as it is now, and a changed file of changes is told', (t) => {
  const config = server(t);
  pin(config);
  const eve = approver('Eve');
  const added = changeOf(lock, { kind: 'add', key: { key: eve.key, holder: eve.holder } }, [ada, bob]);
  assert.equal(new LockBook(config.runnerStateDir).take(lock, [added]), null);
  assert.match(standingOf(config), /Ada or Bob or Eve/);
  const changes = join(config.runnerStateDir, 'lock-changes.ndjson');
  writeFileSync(changes, readFileSync(changes, 'utf8').replace('"Eve"', '"Eva"'));
  assert.throws(() => standingOf(config), /line 2 of .* does not verify/);
});

test('when the program is asked for lock and witness, it prints them, and the statement is signed', (t) => {
  const config = server(t);
  const run = (...words: string[]) =>
    execFileSync(process.execPath, [MAIN, ...words, '--config', config.file], { encoding: 'utf8', stdio: 'pipe' });
  const file = join(config.stateDir, '..', 'lock.json');
  writeFileSync(file, JSON.stringify(lock));
  assert.match(run('lock', 'pin', file, '--check'), /can be pinned/);
  assert.match(run('lock', 'pin', file), /^Pinned in .* In force at once\.$/m);
  assert.match(run('lock', 'pin', file), /already/);
  assert.match(run('lock'), /^locked/);
  assert.throws(() => run('lock', 'open'), { status: 2 });
  assert.throws(() => run('witness'), /not enrolled yet/);
  const name = { serverId: 'srv_000000000001', serverName: 'web-1' };
  new LockBook(config.runnerStateDir).take(lock, [changeOf(lock, { kind: 'remove', key: bob.key }, [])]);
  execFileSync('mkdir', ['-p', config.runnerStateDir]);
  writeFileSync(join(config.runnerStateDir, 'server.json'), JSON.stringify(name));
  const { witness, signature } = signedWitnessSchema.parse(JSON.parse(run('witness')));
  assert.equal(witness.server, name.serverId);
  assert.equal(verifyValue('witness', witness, signature, witness.key), true);
  assert.deepEqual([witness.checkpoints, witness.journal.lines, witness.journal.actions], [[], 0, []]);
  assert.equal(statSync(join(config.runnerStateDir, 'witness-key.json')).mode & 0o777, 0o600);
});
