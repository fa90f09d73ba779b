import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSigningKey, publicKeyOf, signText, signValue, verifyText, verifyValue } from '../src/signing.ts';

test('when a value was signed for a purpose, it verifies for that purpose, key and value only', () => {
  const key = makeSigningKey();
  const signature = signValue('grant', { a: 1 }, key.seed);
  assert.equal(verifyValue('grant', { a: 1 }, signature, key.publicKey), true);
  assert.equal(verifyValue('checkpoint', { a: 1 }, signature, key.publicKey), false);
  assert.equal(verifyValue('grant', { a: 2 }, signature, key.publicKey), false);
  assert.equal(verifyValue('grant', { a: 1 }, signature, makeSigningKey().publicKey), false);
});

test('when the seed of RFC 8032 section 7.1 test 1 is given, its public key comes out', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex').toString(
    'base64url',
  );
  const expected = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex').toString(
    'base64url',
  );
  assert.equal(publicKeyOf(seed), `ed25519:${expected}`);
});

test('when any bit of a signature flips, it does not verify', () => {
  const key = makeSigningKey();
  const signature = Buffer.from(signValue('grant', 'x', key.seed), 'base64url');
  for (let bit = 0; bit < 512; bit += 7) {
    const changed = Buffer.from(signature);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(verifyValue('grant', 'x', changed.toString('base64url'), key.publicKey), false, `bit ${bit}`);
  }
});

test('when key or signature are malformed, verification says no and does not throw', () => {
  const key = makeSigningKey();
  for (const bad of ['', 'ed25519:', `ed25519:${'A'.repeat(43)}x`, 'rsa:abc'])
    assert.equal(verifyValue('grant', 1, 'A'.repeat(86), bad), false);
  for (const bad of ['', 'A', '*'.repeat(86)]) assert.equal(verifyValue('grant', 1, bad, key.publicKey), false);
});

test('when text names its purpose in its first line, its signature holds for that text and purpose only', () => {
  const key = makeSigningKey();
  const note = 'countersign/checkpoint/v1\n12\n';
  const signature = signText('checkpoint', note, key.seed);
  assert.ok(verifyText('checkpoint', note, signature, key.publicKey));
  assert.ok(!verifyText('checkpoint', `${note}x`, signature, key.publicKey));
  assert.ok(!verifyText('grant', note, signature, key.publicKey));
  assert.ok(!verifyValue('checkpoint', note, signature, key.publicKey));
  assert.throws(() => signText('grant', note, key.seed), TypeError);
});
