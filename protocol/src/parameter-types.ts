/** The closed set of types that a parameter of a playbook, or of a command of a server's owner, can have, and what each accepts. */
import { z } from 'zod';
import {
  addressSchema,
  durationMs,
  durationSchema,
  pathSchema,
  sha256Schema,
  sizeBytes,
  sizeSchema,
  unitSchema,
} from './capabilities/capability.ts';

/** A parameter's name inside a text, and a value that is nothing but one. */
export const REFERENCE = /\{\{\s*([a-z][a-z0-9_]*)\s*\}\}/g;
export const WHOLE_REFERENCE = /^\{\{\s*([a-z][a-z0-9_]*)\s*\}\}$/;

export const parameterNameSchema = z.string().regex(/^[a-z][a-z0-9_]{0,39}$/, 'a name such as older_than');

const summary = z.string().min(1).max(300);
/** An optional parameter that is not given is left out of every step that names it, and of every part with `when` on it. */
const optional = z.literal(true).optional();
const described = { summary, optional };

const plain = <T extends string, S extends z.ZodType<string>>(type: T, value: S) =>
  z.strictObject({ type: z.literal(type), ...described, default: value.optional() });

const urlSchema = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .describe('an http or https address');
const hostSchema = z
  .string()
  .max(253)
  .regex(/^[A-Za-z0-9.-]+$/, 'a host name');
const portSchema = z.int().min(1).max(65_535);
const textSchema = z
  .string()
  .max(2000)
  .regex(/^[^\r\n\0]*$/, 'one line of text');

const DOCUMENT_CHARACTERS_MAX = 128 * 1024;
const documentSchema = z
  .string()
  .min(1)
  .max(DOCUMENT_CHARACTERS_MAX)
  .regex(/^[^\0]*$/, 'a text of several lines');

/** How a parameter is declared in a playbook. */
export const parameterSchema = z.discriminatedUnion('type', [
  plain('unit', unitSchema),
  plain('path', pathSchema),
  plain('url', urlSchema),
  plain('host', hostSchema),
  plain('address', addressSchema),
  plain('sha256', sha256Schema),
  z.strictObject({
    type: z.literal('duration'),
    ...described,
    default: durationSchema.optional(),
    minimum: durationSchema.optional(),
    maximum: durationSchema.optional(),
  }),
  z.strictObject({
    type: z.literal('size'),
    ...described,
    default: sizeSchema.optional(),
    minimum: sizeSchema.optional(),
    maximum: sizeSchema.optional(),
  }),
  z.strictObject({ type: z.literal('port'), ...described, default: portSchema.optional() }),
  z.strictObject({
    type: z.literal('integer'),
    ...described,
    default: z.int().optional(),
    minimum: z.int().optional(),
    maximum: z.int().optional(),
  }),
  z.strictObject({ type: z.literal('boolean'), ...described, default: z.boolean().optional() }),
  z.strictObject({
    type: z.literal('text'),
    ...described,
    default: textSchema.optional(),
    max_length: z.int().min(1).max(2000).default(200),
  }),
  z.strictObject({
    type: z.literal('document'),
    ...described,
    default: documentSchema.optional(),
    max_length: z.int().min(1).max(DOCUMENT_CHARACTERS_MAX).default(20_000),
  }),
  z.strictObject({
    type: z.literal('choice'),
    ...described,
    choices: z.array(z.string().min(1).max(100)).min(1).max(50),
    default: z.string().optional(),
  }),
]);
export type Parameter = z.output<typeof parameterSchema>;

/** What a value of the parameter must be, without regard to its default. */
export function valueSchema(parameter: Parameter): z.ZodType<string | number | boolean> {
  switch (parameter.type) {
    case 'unit':
      return unitSchema;
    case 'path':
      return pathSchema;
    case 'url':
      return urlSchema;
    case 'host':
      return hostSchema;
    case 'address':
      return addressSchema;
    case 'sha256':
      return sha256Schema;
    case 'port':
      return portSchema;
    case 'boolean':
      return z.boolean();
    case 'duration':
      return ranged(durationSchema, durationMs, parameter);
    case 'size':
      return ranged(sizeSchema, sizeBytes, parameter);
    case 'integer':
      return ranged(z.int(), (value) => value, parameter);
    case 'text':
      return textSchema.max(parameter.max_length);
    case 'document':
      return documentSchema.max(parameter.max_length);
    case 'choice':
      return z.enum(parameter.choices as [string, ...string[]]);
  }
}

/** Whether a caller has to give the parameter. */
export function isRequired(parameter: Parameter): boolean {
  return parameter.optional !== true && parameter.default === undefined;
}

/**
 * The values of some declared parameters: checked by type, completed (`nginx` → `nginx.service`), with defaults. One that is `null`
 * counts as not given. Every problem names its parameter; with one, the values are not whole.
 */
export function parseValues(
  declared: Readonly<Record<string, Parameter>>,
  given: Readonly<Record<string, unknown>>,
  owner: string,
): { readonly values: Record<string, string | number | boolean>; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const values: Record<string, string | number | boolean> = {};
  for (const name of Object.keys(given))
    if (!Object.hasOwn(declared, name)) problems.push(`parameters.${name}: ${owner} has no such parameter`);
  for (const [name, parameter] of Object.entries(declared)) {
    const value = (Object.hasOwn(given, name) ? given[name] : undefined) ?? parameter.default;
    if (value === undefined) {
      if (isRequired(parameter))
        problems.push(`parameters.${name}: is needed (${parameter.type}: ${parameter.summary})`);
      continue;
    }
    const parsed = valueSchema(parameter).safeParse(value);
    if (parsed.success) values[name] = parsed.data;
    else problems.push(`parameters.${name}: ${parsed.error.issues.map((issue) => issue.message).join(', ')}`);
  }
  return { values, problems };
}

const SAMPLES = {
  unit: 'sample.service',
  path: '/srv/sample',
  url: 'http://127.0.0.1/',
  host: 'sample.example',
  address: '192.0.2.1',
  sha256: '0'.repeat(64),
  duration: '1h',
  size: '500M',
  port: 80,
  integer: 1,
  boolean: true,
  text: 'sample',
  document: 'sample\n',
} as const satisfies Record<Exclude<Parameter['type'], 'choice'>, string | number | boolean>;

/** A value that the parameter accepts, for trying a playbook out. */
export function sampleValue(parameter: Parameter): string | number | boolean {
  if (parameter.default !== undefined) return parameter.default;
  if (parameter.type === 'choice') return parameter.choices[0] ?? '';
  const bounds = [
    'minimum' in parameter ? parameter.minimum : undefined,
    'maximum' in parameter ? parameter.maximum : undefined,
  ];
  const candidates = [SAMPLES[parameter.type], ...bounds].filter((value) => value !== undefined);
  return candidates.find((value) => valueSchema(parameter).safeParse(value).success) ?? SAMPLES[parameter.type];
}

function ranged<V extends string | number>(
  schema: z.ZodType<V>,
  measure: (value: V) => number,
  { minimum, maximum }: { readonly minimum?: V | undefined; readonly maximum?: V | undefined },
): z.ZodType<V> {
  return schema
    .refine((value) => minimum === undefined || measure(value) >= measure(minimum), { error: `at least ${minimum}` })
    .refine((value) => maximum === undefined || measure(value) <= measure(maximum), { error: `at most ${maximum}` });
}
