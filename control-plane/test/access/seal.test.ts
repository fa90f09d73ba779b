import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemIds } from '@countersign/protocol/system-ids';
import { passwords } from '../../src/access/passwords.ts';
import { seal, unseal } from '../../src/access/seal.ts';

const key = Buffer.alloc(32, 7);

test('when text is sealed, it opens with the same key and purpose, and with nothing else', () => {
  const sealed = seal('JBSWY3DP', key, 'totp', systemIds);
  assert.equal(unseal(sealed, key, 'totp'), 'JBSWY3DP');
  assert.ok(!sealed.includes('JBSWY3DP'));
  assert.throws(() => unseal(sealed, Buffer.alloc(32, 8), 'totp'));
  assert.throws(() => unseal(sealed, key, 'other'));
  assert.throws(() => unseal('s1.only', key, 'totp'), /not a sealed value/);
  assert.notEqual(seal('JBSWY3DP', key, 'totp', systemIds), sealed);
});

test('T24: when any character of a sealed value is changed, it does not open', () => {
  const sealed = seal('JBSWY3DP', key, 'totp', systemIds);
  for (let at = 3; at < sealed.length; at += 1) {
    const swapped = sealed[at] === 'A' ? 'B' : 'A';
    const changed = sealed.slice(0, at) + swapped + sealed.slice(at + 1);
    const same = Buffer.from(changed.split('.')[2] ?? '', 'base64url').equals(
      Buffer.from(sealed.split('.')[2] ?? '', 'base64url'),
    );
    if (same && changed.split('.')[1] === sealed.split('.')[1]) continue; // only unused bits of base64 differ
    assert.throws(() => unseal(changed, key, 'totp'), `at ${at}`);
  }
});

test('when a password is hashed, the right one fits and others do not, with or without a stored hash', async () => {
  const { hash: hashOf, fits } = passwords(systemIds);
  const hash = await hashOf('correct horse battery');
  assert.match(hash, /^\$scrypt\$ln=15,r=8,p=3\$/);
  assert.equal(await fits('correct horse battery', hash), true);
  assert.equal(await fits('correct horse batterz', hash), false);
  assert.equal(await fits('correct horse battery', null), false);
  assert.equal(await fits('', 'nonsense'), false);
});
