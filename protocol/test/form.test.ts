/** A form accepts only what its schema returns unchanged: every kind of schema against a heap of values, bounds and both their neighbours. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { anyJsonSchema } from '../src/any-json.ts';
import { argvWordSchema } from '../src/capabilities/capability.ts';
import { fits } from '../src/form.ts';
import { formOf } from '../src/form-of.ts';
import { holderSchema } from '../src/lock.ts';

const a = z.object({ a: z.string() });
const ab = z.object({ a: z.string(), b: z.int() });

/** What forms can say, and whether a schema of this kind has to have a form at all. */
const sayable: Readonly<Record<string, z.ZodType>> = {
  string: z.string(),
  'short string': z.string().min(1).max(3),
  'string of a pattern': z.string().regex(/^[a-c]+$/),
  'string of two patterns': z.string().regex(/^a/).regex(/c$/i).max(3),
  number: z.number(),
  'number within bounds': z.number().min(0).max(3),
  'number beyond bounds': z.number().gt(0).lt(3),
  'positive number': z.int().positive(),
  integer: z.int(),
  'integer the other way': z.number().int().nonnegative(),
  boolean: z.boolean(),
  null: z.null(),
  literal: z.literal('abc'),
  enum: z.enum(['a', 'abc']),
  nullable: z.string().max(3).nullable(),
  default: z.string().default('x'),
  list: z.array(z.int()).min(1).max(2),
  object: ab,
  'strict object': z.strictObject({ a: z.string() }),
  'object with members that may be absent': z.object({ a: z.string(), b: z.int().optional(), c: z.int().default(3) }),
  'object whose absent member is filled in': z.object({ a: z.string().default('x').optional(), b: z.int().optional() }),
  record: z.record(z.string().max(3), z.union([z.string(), z.number()])),
  'json of zod': z.json(),
  'json of ours': anyJsonSchema,
  'union told apart': z.discriminatedUnion('a', [z.object({ a: z.literal('a') }), ab.extend({ a: z.literal('abc') })]),
  'union of strict objects': z.union([
    z.strictObject({ a: z.string() }),
    z.strictObject({ a: z.string(), b: z.int() }),
  ]),
  'a word of argv': argvWordSchema,
  'a holder': holderSchema,
  'union of plain values': z.union([z.string().max(2), z.number(), z.null()]),
};

/** What only the schema can judge: it changes values, runs code, or returns what the first of several makes of them. */
const unsayable: Readonly<Record<string, z.ZodType>> = {
  trimmed: z.string().trim(),
  'changed to lower case': z.string().toLowerCase(),
  'an address': z.url(),
  coerced: z.coerce.number(),
  transformed: z.string().transform((text) => text.length),
  refined: z.string().refine((text) => text !== 'abc'),
  'refined object': ab.refine(({ b }) => b > 0),
  caught: z.int().catch(0),
  'union of which one trims what the other would keep': z.union([
    z.string().trim().max(0),
    z.string().trim(),
    z.string(),
  ]),
  'union of which one coerces what the other would keep': z.union([z.coerce.number(), z.string()]),
  'union of strict objects of which one trims': z.union([
    z.strictObject({ a: z.string().trim() }),
    z.strictObject({ a: z.string() }),
  ]),
  'union that takes what exactly one accepts': z.xor([z.string(), z.string().max(3)]),
  'union of objects of which one leaves out what the other keeps': z.union([a, ab]),
  'object that keeps what it does not know': z.looseObject({ a: z.string() }),
  'sticky pattern': z.string().regex(/a/g),
  unknown: z.unknown(),
  'record of few names': z.record(z.enum(['a', 'b']), z.int()),
};

const leaves: readonly unknown[] = [
  ...[null, true, false, 0, -0, 1, -1, 2, 3, 4, 0.5, 2.999, 1e308, JSON.parse('1e999'), 2 ** 53, 2 ** 53 - 1],
  ...[
    '',
    'a',
    'b',
    'ab',
    'abc',
    'ABC',
    'aC',
    'abcd',
    ' a ',
    'a ',
    '\u00a0a',
    '\ufeffa',
    'a\nb',
    'a\0b',
    'a\ud83d\ude00b',
    'a\udc00\ud800',
    '1',
    'https://a',
    '\ud800',
    ...[100, 101, 4096, 4097].map((length) => 'x'.repeat(length)),
  ],
];
const values: readonly unknown[] = [
  ...leaves,
  ...[{}, { b: 1 }],
  ...[[], [1], [1, 2], [1, 2, 3], ['a'], [null], [[1]], [[], {}]],
  ...leaves.flatMap((leaf) => [
    { a: leaf },
    { a: leaf, b: 1 },
    { a: 'a', b: leaf },
    { a: 'abc', b: leaf, c: 1 },
    [leaf, 1],
  ]),
  ...['{}', '{"__proto__":1}', '{"a":"a","__proto__":{"b":1}}', '{"constructor":1}', '{"a":"a","toString":1}'].map(
    (text): unknown => JSON.parse(text),
  ),
  ...['{"a":{"a":"a","b":1}}', '{"abcd":1}', '{"a":[{"__proto__":1}]}', '{"a":"a","b":1,"c":2,"d":3}'].map(
    (text): unknown => JSON.parse(text),
  ),
];

for (const [kind, schema] of Object.entries({ ...sayable, ...unsayable }))
  test(`when a value fits the form of a schema (${kind}), the schema returns that very value`, () => {
    const form = formOf(schema);
    let fitting = 0;
    for (const value of values) {
      if (!fits(form, value)) continue;
      fitting += 1;
      const parsed = schema.safeParse(structuredClone(value));
      assert.ok(parsed.success, `${JSON.stringify(value)} fits ${JSON.stringify(form)}, and the schema refuses it`);
      assert.deepEqual(parsed.data, value);
    }
    if (Object.hasOwn(unsayable, kind)) assert.equal(fitting, 0, 'the schema alone can judge this');
    else assert.ok(fitting > 0, `nothing fits ${JSON.stringify(form)}`);
  });

test('when a form has crossed as JSON, as the bundle holds it, it says the same', () => {
  for (const schema of Object.values(sayable)) {
    const form = formOf(schema);
    assert.deepEqual(JSON.parse(JSON.stringify(form)), form);
  }
});
