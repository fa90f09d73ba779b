import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { decodeFromAgent } from '../src/agent-wire/codec.ts';
import { anyJsonSchema } from '../src/any-json.ts';
import { parseJson } from '../src/parse-json.ts';
import { seededRandom } from './seeded-random.ts';

const seed = Number(process.env.COUNTERSIGN_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
const { next } = seededRandom(seed);
const below = (count: number) => Math.floor(next() * count);

const leaves = [0, -1.5, 1e308, Number.POSITIVE_INFINITY, Number.NaN, '', 'é\u0000', true, false, null, undefined];
const rare = [1n, Symbol('x'), () => 0, new Date(0), new Map(), new (class Thing {})()];
const names = ['a', 'b', '__proto__', 'constructor', 'toString', ''];

function anything(depth: number): unknown {
  const kind = below(10);
  if (kind === 0) return rare[below(rare.length)];
  if (depth === 0 || kind < 4) return leaves[below(kind < 2 ? leaves.length : 3)];
  if (kind < 7) return Array.from({ length: below(4) }, () => anything(depth - 1));
  const made = Object.create(kind === 7 ? null : Object.prototype) as object;
  for (let n = below(4); n > 0; n -= 1) {
    const property = { value: anything(depth - 1), enumerable: true, configurable: true, writable: true };
    Object.defineProperty(made, names[below(names.length)] ?? '', property);
  }
  return made;
}

/** As it is, whatever its prototypes are: `assert.deepEqual` would tell those apart, which a schema may choose. */
const shown = (value: unknown) => JSON.stringify(value);

test('when anything comes, the schema of any JSON says of it what zod’s own says', () => {
  const zods = z.json();
  let good = 0;
  for (let n = 0; n < 20_000; n += 1) {
    const value = anything(4);
    const expected = zods.safeParse(value);
    const given = anyJsonSchema.safeParse(value);
    assert.equal(given.success, expected.success, `COUNTERSIGN_TEST_SEED=${seed}: ${String(n)}`);
    if (!expected.success) continue;
    good += 1;
    assert.equal(shown(given.data), shown(expected.data), `COUNTERSIGN_TEST_SEED=${seed}`);
  }
  assert.ok(good > 1000, `only ${good} were JSON`);
});

test('F16: when a report has a member named __proto__, it is gone, however deep it lies and however it is written', () => {
  for (const name of ['__proto__', '\\u005f_proto__']) {
    const frame = `{"type":"observed","requestId":"req_000000000000","result":{"a":[{"${name}":{"admin":true},"b":1}]}}`;
    const decoded = decodeFromAgent(frame);
    assert.ok(decoded.outcome === 'ok' && decoded.message.type === 'observed');
    assert.equal(shown(decoded.message.result), '{"a":[{"b":1}]}');
  }
});

test('F16: when a report has a number that is none, the frame is invalid', () => {
  const frame = (number: string) => `{"type":"observed","requestId":"req_000000000000","result":{"a":[${number}]}}`;
  assert.equal(decodeFromAgent(frame('1e99')).outcome, 'ok');
  assert.equal(decodeFromAgent(frame('1e999')).outcome, 'invalid');
  assert.equal(decodeFromAgent('{"type":"observed","requestId":"req_000000000000"}').outcome, 'invalid');
});

test('F16: when text nests 64 levels deep it is read, and one deeper it is not', () => {
  const nesting = (levels: number) => [
    `${'['.repeat(levels)}1${']'.repeat(levels)}`,
    `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`,
    `[1,"x",${'['.repeat(levels - 1)}null${']'.repeat(levels - 1)},{}]`,
  ];
  for (const text of nesting(64)) assert.doesNotThrow(() => parseJson(text));
  for (const text of nesting(65)) assert.throws(() => parseJson(text), SyntaxError);
  // What is empty holds no deeper level.
  assert.doesNotThrow(() => parseJson(`${'['.repeat(65)}${']'.repeat(65)}`));
});
