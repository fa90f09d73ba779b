/** The schemas that clients see: JSON Schema made from zod and shortened, since the whole tool list must stay small. */
import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { z } from 'zod';

export type JsonSchema = { readonly [keyword: string]: unknown };

const LONGEST_PATTERN = 40;

/**
 * The schema of a tool in the form that the SDK takes.
 *
 * Arguments and results pass here unchecked: the tool parses the ones itself and is held to the others (`answer.ts`), so that
 * wrong ones get our error with its next step rather than the SDK's. What is advertised of results requires nothing: the v1 SDK
 * client holds errors too against the schema of the result.
 */
export function advertise(schema: z.ZodObject, side: 'input' | 'output'): StandardSchemaWithJSON<unknown, unknown> {
  let made: JsonSchema | undefined;
  const json = () => {
    made ??= shortSchema(schema, side);
    return made as Record<string, unknown>;
  };
  return {
    '~standard': {
      version: 1,
      vendor: 'countersign',
      validate: (value) => ({ value }),
      jsonSchema: { input: json, output: json },
    },
  };
}

/** JSON Schema (2020-12) of a zod object without what a model does not need. */
export function shortSchema(schema: z.ZodObject, side: 'input' | 'output'): JsonSchema {
  const full = z.toJSONSchema(schema, { io: side, unrepresentable: 'any' });
  const short = shorten(full as JsonSchema, side);
  return side === 'input' ? { ...short, additionalProperties: false } : short;
}

function shorten(schema: JsonSchema, side: 'input' | 'output'): JsonSchema {
  if ('$ref' in schema) return {}; // the only recursive schema is "any JSON"
  const nullable = nullableOf(schema);
  if (nullable) return shorten(nullable, side);
  return Object.fromEntries(
    Object.entries(schema).flatMap(([keyword, value]) =>
      isNoise(keyword, value, side) ? [] : [[keyword, shortenMember(keyword, value, side)] as const],
    ),
  );
}

function shortenMember(keyword: string, value: unknown, side: 'input' | 'output'): unknown {
  if (keyword === 'properties')
    return Object.fromEntries(
      Object.entries(value as Record<string, JsonSchema>).map(([name, member]) => [name, shorten(member, side)]),
    );
  if (keyword === 'items' || keyword === 'additionalProperties') return shorten(value as JsonSchema, side);
  if (keyword === 'anyOf' || keyword === 'oneOf') return (value as JsonSchema[]).map((member) => shorten(member, side));
  return value;
}

function isNoise(keyword: string, value: unknown, side: 'input' | 'output'): boolean {
  switch (keyword) {
    case '$schema':
    case '$defs':
    case 'propertyNames':
      return true;
    case 'required':
      return side === 'output';
    case 'additionalProperties':
      return typeof value === 'boolean' || '$ref' in (value as JsonSchema) || Object.keys(value as object).length === 0;
    case 'minLength':
    case 'minItems':
      return value === 1;
    case 'maxLength':
    case 'maxItems':
      return true;
    case 'pattern':
      return side === 'output' || (value as string).length > LONGEST_PATTERN;
    case 'maximum':
    case 'minimum':
      return side === 'output' || Math.abs(value as number) === Number.MAX_SAFE_INTEGER;
    default:
      return false;
  }
}

/** `anyOf [X, null]` as X with a type that may be null, where X has one plain type. */
function nullableOf(schema: JsonSchema): JsonSchema | undefined {
  const { anyOf, ...rest } = schema as { readonly anyOf?: readonly JsonSchema[] };
  const [some, none, ...more] = anyOf ?? [];
  if (some === undefined || none?.type !== 'null' || more.length > 0 || typeof some.type !== 'string') return undefined;
  const values = Array.isArray(some.enum) ? { enum: [...some.enum, null] } : {};
  return { ...rest, ...some, ...values, type: [some.type, 'null'] };
}
