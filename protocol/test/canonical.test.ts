import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '../src/canonical.ts';
import { digestOf, sameSecret, sha256 } from '../src/digest.ts';

test('when members come in any order, the canonical text is the same', () => {
  assert.equal(canonicalJson({ b: 1, a: [true, null, 'x'] }), canonicalJson({ a: [true, null, 'x'], b: 1 }));
});

test('when the example of RFC 8785 section 3.2.3 is given, its members are sorted by UTF-16 code units', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  assert.deepEqual(
    [...canonicalJson(value).matchAll(/:"([^"]+)"/g)].map(([, name]) => name),
    [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ],
  );
});

test('when numbers of RFC 8785 section 3.2.2.3 are given, they take the ECMAScript form', () => {
  assert.equal(
    canonicalJson([333333333.3333333, 1e30, 4.5, 2e-3, 0.000000000000000000000000001, -0]),
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  );
});

test('when a value has no JSON form, it is refused rather than hashed as something else', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 10n, () => 1, '\ud800'])
    assert.throws(() => canonicalJson({ value }), TypeError);
});

test('when a member is undefined, it is left out as JSON.stringify does', () => {
  assert.equal(canonicalJson({ a: undefined, b: [undefined] }), '{"b":[null]}');
});

test('when one character of a value changes, its digest changes', () => {
  assert.notEqual(
    digestOf({ argv: ['systemctl', 'restart', 'nginx'] }),
    digestOf({ argv: ['systemctl', 'restart', 'nginy'] }),
  );
  assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});

test('when secrets differ in length or content, they are not the same', () => {
  assert.equal(sameSecret('abc', 'abc'), true);
  assert.equal(sameSecret('abc', 'abcd'), false);
  assert.equal(sameSecret('', 'a'), false);
});
