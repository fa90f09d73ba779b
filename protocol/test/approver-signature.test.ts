import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApproverSignature, RelyingParty } from '../src/approver.ts';
import { bytesToSign, signDigest, whyNotSigned } from '../src/approver-signature.ts';
import { sha256 } from '../src/digest.ts';
import { makeSigningKey, signText, signValue, verifyText } from '../src/signing.ts';
import { type AssertionBend, approver, PARTY, passkeyHolder } from './approvers.ts';

const digest = sha256('a plan');
const other = sha256('another plan');
const malformed = 'it is malformed';
const forAnother = 'it is over something else';

test('when an Ed25519 key signed the digest, the signature is good for that digest and no other', () => {
  const ada = approver('Ada');
  assert.equal(whyNotSigned(ada.sign(digest), digest, null), null);
  assert.equal(whyNotSigned(ada.sign(digest), other, null), forAnother);
  assert.equal(whyNotSigned({ ...ada.sign(digest), key: approver('Eve').key } as never, digest, null), forAnother);
});

test('T1: when a key signed the same digest for another purpose, it does not count', () => {
  const { publicKey: key, seed } = makeSigningKey();
  for (const purpose of ['grant', 'witness', 'link-hello', 'release'] as const) {
    const signature = signValue(purpose, { digest }, seed);
    assert.equal(whyNotSigned({ kind: 'ed25519', key, signature }, digest, null), forAnother, purpose);
  }
});

test('when an ssh-agent signs the bytes that it is handed, that is what a key file signs', () => {
  const { publicKey: key, seed } = makeSigningKey();
  const signature = signText('approval', bytesToSign(digest).toString('utf8'), seed);
  assert.equal(signature, signDigest(digest, seed));
  assert.equal(verifyText('approval', bytesToSign(digest).toString('utf8'), signature, key), true);
});

for (const kind of ['ES256', 'RS256', 'Ed25519'] as const)
  test(`when a passkey (${kind}) asserts the digest with its user verified, that is good for that digest and no other`, () => {
    const bob = passkeyHolder('Bob', kind);
    assert.equal(whyNotSigned(bob.sign(digest), digest, PARTY), null);
    assert.equal(whyNotSigned(bob.sign(digest), other, PARTY), forAnother);
    assert.equal(whyNotSigned(bob.assert(digest, { more: Buffer.from('a0', 'hex') }), digest, PARTY), null);
    const verdict = whyNotSigned({ ...bob.assert(digest), key: passkeyHolder('Eve', kind).key }, digest, PARTY);
    assert.equal(verdict, 'it does not verify');
  });

const ES = passkeyHolder('Bob');
const why = (bend: AssertionBend, party: RelyingParty | null = PARTY) =>
  whyNotSigned(ES.assert(digest, bend), digest, party);

test('T1: when anything of an assertion is not as it has to be, it does not count, although its key signed it', () => {
  const page = 'its client data is not that of an assertion on a page of its own';
  const cases: [AssertionBend, string][] = [
    [{ client: { type: 'webauthn.create' } }, page],
    [{ client: { type: 'payment.get' } }, page],
    [{ client: { crossOrigin: true } }, page],
    [{ client: { crossOrigin: 'false' } }, page],
    [{ client: { topOrigin: 'https://evil.example' } }, page],
    [{ client: { challenge: undefined } }, page],
    [{ client: { challenge: 1 } }, page],
    [{ client: { origin: null } }, page],
    [{ client: { challenge: digest } }, forAnother],
    [{ client: { challenge: `${Buffer.from(digest, 'hex').toString('base64url')}=` } }, forAnother],
    [{ client: { challenge: Buffer.from(digest, 'hex').toString('base64') } }, forAnother],
    [{ client: { challenge: '' } }, forAnother],
    [{ client: { origin: 'https://ops.example.org.evil.example' } }, 'it was made on a page that is not pinned'],
    [{ client: { origin: 'http://ops.example.org' } }, 'it was made on a page that is not pinned'],
    [{ client: { origin: 'https://ops.example.org/' } }, 'it was made on a page that is not pinned'],
    [{ party: 'evil.example' }, 'it is for another relying party'],
    [{ party: 'https://ops.example.org' }, 'it is for another relying party'],
    [{ flags: 0x01 }, 'the passkey did not verify its user'],
    [{ flags: 0x04 }, 'the passkey did not verify its user'],
    [{ flags: 0x00 }, 'the passkey did not verify its user'],
    [{ flags: 0xfa }, 'the passkey did not verify its user'],
    [{ data: (data) => data.subarray(0, 36) }, 'its authenticator data is too short'],
    [{ data: (data) => data.subarray(0, 1) }, 'its authenticator data is too short'],
  ];
  for (const [bend, said] of cases) assert.equal(why(bend), said, JSON.stringify(bend));
  for (const flags of [0x05, 0x1d, 0xc5]) assert.equal(why({ flags }), null, `flags ${flags}`);
  assert.equal(why({ client: { crossOrigin: undefined } }), null, 'an older browser does not say it');
  assert.equal(why({ client: { surprise: { of: 'later' } } }), null, 'members to come are passed over');
  assert.equal(why({}, null), 'no relying party is pinned for passkeys');
});

test('T1: when the signature of an assertion is bent, cut, padded or wrapped otherwise, it does not verify', () => {
  const der = (bend: (r: Buffer, s: Buffer) => Buffer) => (signature: Buffer) => {
    const { r, s } = partsOf(signature);
    return bend(r, s);
  };
  const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const bends: Record<string, (signature: Buffer) => Buffer> = {
    cut: (it) => it.subarray(0, -1),
    'with a byte more': (it) => Buffer.concat([it, Buffer.from([0])]),
    'one byte only': () => Buffer.from([0x30]),
    'r and s swapped': der((r, s) => sequence(s, r)),
    'r twice': der((r) => sequence(r, r)),
    zeros: () => sequence(Buffer.from([0]), Buffer.from([0])),
    ones: () => sequence(Buffer.from([1]), Buffer.from([1])),
    'n as r': der((_, s) => sequence(Buffer.concat([Buffer.from([0]), big(N)]), s)),
    'raw r and s': der((r, s) => Buffer.concat([fixed(r), fixed(s)])),
    'a long form of the length': (it) => Buffer.concat([Buffer.from([0x30, 0x81, it.length - 2]), it.subarray(2)]),
    'leading zeros of r': der((r, s) => sequence(Buffer.concat([Buffer.alloc(2), r]), s)),
    'a negative r': der((r, s) => sequence(Buffer.concat([Buffer.from([0xff]), r]), s)),
    'an octet string': (it) => Buffer.concat([Buffer.from([0x04]), it.subarray(1)]),
    'a sequence of three': der((r, s) => {
      const inner = Buffer.concat([integer(r), integer(s), integer(Buffer.from([1]))]);
      return Buffer.concat([Buffer.from([0x30, inner.length]), inner]);
    }),
  };
  for (const [name, signature] of Object.entries(bends)) assert.equal(why({ signature }), 'it does not verify', name);
  for (let bit = 0; bit < 64; bit += 1) {
    const signature = (it: Buffer) => {
      const at = (bit * 37) % it.length;
      const bent = Buffer.from(it);
      bent[at] = (bent[at] ?? 0) ^ (1 << (bit % 8));
      return bent;
    };
    assert.equal(why({ signature }), 'it does not verify', `bit ${bit}`);
  }
});

test('T1: when client data or authenticator data was changed after signing, the assertion does not verify', () => {
  const made = ES.assert(digest);
  const client = Buffer.from(made.clientData, 'base64url').toString('utf8');
  const spaced = Buffer.from(client.replace(',', ', ')).toString('base64url');
  assert.equal(whyNotSigned({ ...made, clientData: spaced }, digest, PARTY), 'it does not verify');
  const counted = Buffer.from(made.authenticatorData, 'base64url');
  counted[36] = 8;
  const authenticatorData = counted.toString('base64url');
  assert.equal(whyNotSigned({ ...made, authenticatorData }, digest, PARTY), 'it does not verify');
});

test('T1: when client data is no JSON object, the assertion is refused with words', () => {
  const made = ES.assert(digest);
  for (const text of ['no json', '[]', 'null', '1', '{', '']) {
    const clientData = Buffer.from(text).toString('base64url') || 'AA';
    assert.match(whyNotSigned({ ...made, clientData }, digest, PARTY) ?? '', /its client data is not/, text);
  }
});

test('T1: when a key is of a kind that passkeys do not have here, or is none at all, nothing that it signs counts', () => {
  for (const kind of ['P-384', 'RSA-1024'] as const)
    assert.equal(whyNotSigned(passkeyHolder('Eve', kind).sign(digest), digest, PARTY), 'it does not verify', kind);
  for (const bytes of [Buffer.alloc(60, 1), Buffer.from('3000', 'hex')]) {
    const key = `passkey:${bytes.toString('base64url').padEnd(60, 'A')}`;
    assert.equal(whyNotSigned({ ...ES.assert(digest), key }, digest, PARTY), 'it does not verify');
  }
});

test('T1: when the same bytes are written with other letters, the signature is refused', () => {
  const ada = approver('Ada').sign(digest) as { signature: string };
  const again = ada.signature.slice(0, -1) + next(ada.signature.at(-1) ?? '');
  assert.deepEqual(Buffer.from(again, 'base64url'), Buffer.from(ada.signature, 'base64url'));
  assert.equal(whyNotSigned({ ...ada, signature: again } as never, digest, PARTY), forAnother);
  const rs = passkeyHolder('Bob', 'RS256').assert(digest); // 256 bytes: the last letter has bits to spare
  const signature = rs.signature.slice(0, -1) + next(rs.signature.at(-1) ?? '');
  assert.deepEqual(Buffer.from(signature, 'base64url'), Buffer.from(rs.signature, 'base64url'));
  assert.equal(whyNotSigned({ ...rs, signature }, digest, PARTY), malformed);
});

test('when a signature or a digest has another form than it must, it is refused as malformed and nothing throws', () => {
  const ada = approver('Ada').sign(digest);
  const assertion = ES.assert(digest);
  const wrong: unknown[] = [
    null,
    undefined,
    'x',
    {},
    { ...ada, kind: 'passkey' },
    { ...assertion, kind: 'ed25519' },
    { ...ada, key: assertion.key },
    { ...assertion, key: ada.key },
    { ...ada, signature: `${(ada as { signature: string }).signature}=` },
    { ...ada, surprise: 1 },
    { ...assertion, clientData: 'not base64url!' },
    { ...assertion, clientData: 'A'.repeat(4000) },
    { ...assertion, signature: '' },
    { ...assertion, key: `passkey:${'A'.repeat(2000)}` },
  ];
  for (const it of wrong)
    assert.equal(whyNotSigned(it as ApproverSignature, digest, PARTY), malformed, JSON.stringify(it));
  for (const bad of ['', 'x', digest.toUpperCase(), `${digest}00`, digest.slice(1)])
    assert.equal(whyNotSigned(ada, bad, PARTY), malformed, bad);
});

/** The two integers of an ECDSA signature. Source: RFC 3279, section 2.2.3. */
function partsOf(signature: Buffer): { r: Buffer; s: Buffer } {
  const length = signature[3] ?? 0;
  return { r: signature.subarray(4, 4 + length), s: signature.subarray(6 + length) };
}

/** The letter after one, of the alphabet of base64url: it differs in the last bit. */
function next(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(letter) + 1] ?? '';
}

const integer = (value: Buffer) => Buffer.concat([Buffer.from([0x02, value.length]), value]);

function sequence(r: Buffer, s: Buffer): Buffer {
  const inner = Buffer.concat([integer(r), integer(s)]);
  return Buffer.concat([Buffer.from([0x30, inner.length]), inner]);
}

const fixed = (value: Buffer) => Buffer.concat([Buffer.alloc(32), value]).subarray(-32);
const big = (value: bigint) => Buffer.from(value.toString(16), 'hex');
