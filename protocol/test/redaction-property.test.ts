/** T14 by numbers: 600 seeded secrets, 5,000 lines that hold none, and text that wants to keep a processor busy. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMs } from '../../test/world/cpu-ms.ts';
import { redact } from '../src/redaction.ts';
import { realisticLines } from './realistic-lines.ts';
import { seededRandom } from './seeded-random.ts';
import { secretKinds, secretPlaces, seededSecrets, visiblePart } from './seeded-secrets.ts';

const seed = Number(process.env.COUNTERSIGN_SEED ?? Math.floor(performance.timeOrigin % 2 ** 31));

test(`T14: when secrets of 30 kinds stand in 20 places, none of the 600 can be seen afterwards (seed ${seed})`, () => {
  assert.equal(secretKinds.length, 30);
  assert.equal(secretPlaces.length, 20);
  for (const secret of seededSecrets(seededRandom(seed))) {
    const raw = secret.chunks.join('');
    const where = `seed ${seed}: ${secret.kind} in ${secret.place}`;
    assert.notEqual(visiblePart(secret, raw), null, `${where}: the test would not see it: ${raw}`);
    const { text } = redact(raw);
    assert.equal(visiblePart(secret, text), null, `${where}: ${text}`);
    assert.equal(visiblePart(secret, redact(text).text), null, `${where}: after the second time`);
  }
});

test(`T14: when the value is known, it is blacked out without any name beside it, however it is written (seed ${seed})`, () => {
  for (const secret of seededSecrets(seededRandom(seed))) {
    const { secret: value } = secret;
    const writings = [
      value,
      JSON.stringify(value),
      JSON.stringify(JSON.stringify({ a: value })),
      encodeURIComponent(value),
      ...['', 'a', 'ab', 'user:'].map((before) => Buffer.from(`${before}${value}`).toString('base64')),
      Buffer.from(`user:${value}`).toString('base64url'),
    ];
    for (const writing of writings) {
      const { text } = redact(`it said ${writing} and went on\n`, [value]);
      assert.equal(visiblePart(secret, text), null, `seed ${seed}: ${secret.kind}: ${text}`);
      assert.match(text, /^it said .*and went on\n$/s);
    }
  }
});

test(`T14: when 5,000 log lines hold no secret, fewer than one per cent lose a word (seed ${seed})`, () => {
  const lines = realisticLines(5000, seededRandom(seed));
  const changed = lines.filter((line) => redact(line).text !== line);
  assert.ok(
    changed.length < 50,
    `seed ${seed}: ${changed.length} lines, such as ${changed
      .slice(0, 3)
      .map((line) => redact(line).text)
      .join('\n')}`,
  );
});

test(`T14: when a short word without signs is let go by at a glance, the whole look finds nothing in it either (seed ${seed})`, () => {
  const random = seededRandom(seed);
  const beginnings = [
    '',
    'AKIA',
    'ghp_',
    'github_pat_',
    'sk_live_',
    'rk_test_',
    'AIza',
    'npm_',
    'dop_v1_',
    'eyJ',
    'M',
    'csp_',
  ];
  const names = ['password', 'secret', 'api_key', 'token', 'Bearer', 'cookie', 'pwd', 'private_key', 'x_auth_token'];
  const letters = 'ABCXYZabcxyz0123456789_';
  const elsewhere = ['a value that is known to be secret, so that the whole look is taken'];
  for (let n = 0; n < 20_000; n += 1) {
    const word = (random.pick([...beginnings, ...names]) + random.text(random.int(17), letters)).slice(0, 16);
    assert.deepEqual(redact(word), redact(word, elsewhere), `seed ${seed}: ${word}`);
  }
});

/** Pieces that make a careless pattern begin again at every place. */
const HOSTILE = [
  'password=',
  'password="',
  "password='",
  'password:\\"',
  'password: "\\\\"',
  "password='\\''",
  "token=''",
  'a_key=',
  'a_key: "AAAAAAAAAAAAAAAAAAA',
  '<password>',
  '<a.key.key.key',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN A ',
  'Bearer ',
  'basic a',
  'authorization: ',
  'http://a:',
  '--a-a-a-token',
  'eyJaaaaaaaaa',
  'MAAAAAAAAAAAAAAAAAAAAAAAA.',
  'aB3',
  '/aB3',
  '\\',
  ' ',
  'secret.a.a.a.a.a.a',
  'password=a,a,a,',
  'token=a&a=a&',
];

test('T13: when text was made to keep patterns busy, the time grows with its length and no faster', () => {
  const ms = (piece: string, length: number) => {
    const text = piece.repeat(Math.ceil(length / piece.length));
    const begun = cpuMs();
    redact(text, ['correct horse battery']);
    return cpuMs() - begun;
  };
  for (const piece of HOSTILE) {
    ms(piece, 10_000);
    const [short, long] = [ms(piece, 50_000), ms(piece, 400_000)];
    // Eight times the text: 64 times the time would be quadratic.
    assert.ok(
      long < Math.max(24 * short, 150),
      `${JSON.stringify(piece)}: ${short} ms for 50 kB, ${long} ms for 400 kB`,
    );
  }
});
