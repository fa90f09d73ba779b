/** T14: what is found quickly is what the plain pattern finds, on texts where nothing else could find anything. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../src/redaction.ts';
import { type Random, seededRandom } from './seeded-random.ts';
import { seededSecrets } from './seeded-secrets.ts';

const seed = Number(process.env.COUNTERSIGN_SEED ?? Math.floor(performance.timeOrigin % 2 ** 31));
const MARK = '[redacted]';
const TEXTS = 5000;

/** Compares on many texts, and that the plain way found something in a good part of them. */
function compare(made: (random: Random) => string, plain: (text: string) => string): void {
  const random = seededRandom(seed);
  let found = 0;
  for (let n = 0; n < TEXTS; n += 1) {
    const text = made(random);
    const expected = plain(text);
    if (expected !== text) found += 1;
    assert.equal(redact(text).text, expected, `seed ${seed}: ${JSON.stringify(text)}`);
    assert.equal(redact(text).count, expected.split(MARK).length - 1);
  }
  assert.ok(found > TEXTS / 20, `only ${found} of ${TEXTS} texts held anything`);
}

const pieces = (random: Random, of: readonly (() => string)[], most: number) =>
  Array.from({ length: 1 + random.int(most) }, () => random.pick(of)()).join('');

/** Without the letters that names and formats are made of; nor with a u, since `-u name:password` is a secret too. */
const LETTERS = 'abcefhijklmnoqrvwABDEFHJKLMNOQRVW';
const PLAIN_WORD =
  /(?<![A-Za-z0-9+/_=-])(?<!\b(?:ed25519|SHA256):)(?!sha(?:256|384|512)-)[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9+/_-])/g;

function isRandom(word: string): boolean {
  if (/^[0-9a-f-]+$/i.test(word)) return false;
  if (![/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(word))) return false;
  const of = (character: string) => word.split(character).length - 1;
  const parts = [...new Set(word)].map((character) => of(character) / word.length);
  if (-parts.reduce((bits, part) => bits + part * Math.log2(part), 0) < 4.2) return false;
  const kind = (character = '') => [/[a-z]/, /[A-Z]/, /[0-9]/, /./].findIndex((one) => one.test(character));
  const changes = [...word].filter((character, at) => at > 0 && kind(character) !== kind(word[at - 1])).length;
  return !word.includes('/') || changes / (word.length - 1) >= 0.45;
}

test(`T14: when long words stand anywhere in a text, the random ones are found as by the plain pattern (seed ${seed})`, () => {
  const made = (random: Random) => {
    const run = (letters: string) => () =>
      random.text(random.pick([1, 5, 20, 30, 31, 32, 33, 34, 40, 63, 64, 65, 90]), letters);
    return pieces(
      random,
      [
        run(`${LETTERS}0123456789`),
        run(`${LETTERS}0123456789+/_-`),
        run('abcdef0123456789-'),
        run('abcehijk/'),
        () => random.pick([' ', '\n', '  ', ',', '(', ')', 'é', '€ ', ' — ', '"', '\t']),
        () => random.pick(['=', '==', '===', 'ed25519:', 'SHA256:', 'sha512-', ' sha256-']),
      ],
      12,
    );
  };
  compare(made, (text) => text.replace(PLAIN_WORD, (word) => (isRandom(word) ? MARK : word)));
});

test(`T14: when addresses hold passwords, they are found as by the plain pattern (seed ${seed})`, () => {
  const parts = [
    'http',
    'b',
    '://',
    'b://',
    'b://e:',
    'B9:',
    ':b',
    '@',
    ':b@',
    '/',
    ' ',
    '\n',
    '-.+',
    'é',
    'a'.repeat(22),
  ];
  compare(
    (random) => pieces(random, [() => random.pick(parts)], 24),
    (text) =>
      text.replace(
        /\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{0,200}:)([^\s/@]{1,1000})(?=@)/gi,
        (_, before: string) => before + MARK,
      ),
  );
});

test(`T14: when digits, colons and words follow each other, tokens of Telegram are found as by the plain pattern (seed ${seed})`, () => {
  const made = (random: Random) =>
    pieces(
      random,
      [
        () => random.text(6 + random.int(7), '0123456789'),
        () => ':',
        () => `${random.text(7 + random.int(5), '0123456789')}:${random.text(34 + random.int(3), 'aB1_-')}`,
        () => random.pick([' ', '\n', 'é', 'b', '_', '-']),
      ],
      12,
    );
  compare(made, (text) => text.replace(/\b\d{8,10}:[A-Za-z0-9_-]{35}\b/g, MARK));
});

/** Patterns are spared in long texts only, so a short one is gone through by all of them. */
const SHORT = 512;

test(`T14: when a secret stands in a long text without another, it is found as in a short one (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const secrets = [
    ...seededSecrets(random).map(({ chunks }) => chunks.join('')),
    // What no short one of those is found by alone.
    ...['-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----', '+ sign --private-key hunter2', 'PWD=hunter2'],
  ];
  const odd = ['€', '\u017f', '\u212a', '\u0130', '=', ':', '-u ', '"', "'", '\n', '\\', '</', '$', '_', '.'];
  let found = 0;
  for (let n = 0; n < 10 * secrets.length; n += 1) {
    let text = secrets[n % secrets.length] ?? '';
    const at = random.int(text.length);
    // The first time as it is, then spoiled, in other letters, cut.
    if (n >= secrets.length) text = text.slice(0, at) + random.pick(odd) + text.slice(at + random.int(3));
    text = random.pick([text, text, text.toUpperCase(), text.toLowerCase(), text.slice(random.int(text.length))]);
    // Nothing in the filling can be a part of a secret, nor a word that a pattern needs.
    const fill = random.pick(['. ', '€ ', '\n']).repeat(SHORT);
    if (text.length >= SHORT - 2) continue;
    const short = redact(`\n${text}\n`);
    // Before it and not behind: a private key without an end takes all that follows with it.
    const long = redact(`${fill}\n${text}\n`);
    assert.equal(long.text, fill + short.text, `seed ${seed}: ${JSON.stringify(text)}`);
    assert.equal(long.count, short.count);
    found += short.count;
  }
  assert.ok(found > 3 * secrets.length, `only ${found} places`);
});
