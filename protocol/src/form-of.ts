/**
 * Reads the form of a schema out of the schema itself, so that it is written once. Whatever it does not know for sure becomes
 * `unsayable`: then the schema is asked. Source: zod 4, `_zod.def` (zod.dev/library-authors).
 */
import type { z } from 'zod';
import { anyJsonSchema } from './any-json.ts';
import { argvWordSchema } from './capabilities/capability.ts';
import type { Form } from './form.ts';
import { holderSchema } from './lock.ts';

const unsayable: Form = { is: 'unsayable' };

/** Schemas that run code of ours, of which we know what it lets pass unchanged. */
const known = new Map<z.core.$ZodType, Form>([
  [anyJsonSchema, { is: 'json' }],
  [argvWordSchema, { is: 'text', max: 4096, like: [like('^[^\\0\\ud800-\\udfff]*$', 'u')] }],
  [holderSchema, { is: 'text', min: 1, max: 100, like: [like('^\\S([^]*\\S)?$')] }],
]);

type Bounds = { -readonly [name in 'min' | 'max' | 'least' | 'most' | 'above' | 'below']?: number };
type Def = z.core.$ZodTypes['_zod']['def'];

function like(source: string, flags = '') {
  return { source, flags };
}

/** The form of what a schema accepts and returns unchanged. */
export function formOf(schema: z.core.$ZodType): Form {
  const knownForm = known.get(schema);
  if (knownForm !== undefined) return knownForm;
  const def = schema._zod.def as Def;
  switch (def.type) {
    case 'string':
      return textForm(def);
    case 'number':
      return numberForm(def);
    case 'array':
      return withBounds({ is: 'list' as const, of: formOf(def.element) }, def.checks);
    default:
      // A refinement is code, which a form cannot hold.
      return (def.checks ?? []).length > 0 ? unsayable : uncheckedForm(def, schema);
  }
}

function uncheckedForm(def: Def, schema: z.core.$ZodType): Form {
  switch (def.type) {
    case 'boolean':
      return def.coerce ? unsayable : { is: 'boolean' };
    case 'null':
      return { is: 'one of', values: [null] };
    case 'literal':
      return def.values.every(isPlain) ? { is: 'one of', values: def.values } : unsayable;
    case 'enum':
      return Object.entries(def.entries).every(([name, value]) => name === value)
        ? { is: 'one of', values: Object.keys(def.entries) }
        : unsayable;
    case 'nullable':
      return { is: 'any of', of: [{ is: 'one of', values: [null] }, formOf(def.innerType)] };
    case 'default':
    case 'prefault':
      return formOf(def.innerType); // with the member there
    case 'object':
      return objectForm(def);
    case 'record':
      return recordForm(def);
    case 'union':
      return 'discriminator' in def
        ? toldApart(def as z.core.$ZodDiscriminatedUnionDef)
        : anyOf(def as z.core.$ZodUnionDef);
    case 'lazy':
      return isAnyJson(schema as z.core.$ZodLazy) ? { is: 'json' } : unsayable;
    default:
      return unsayable;
  }
}

const isPlain = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

function textForm(def: z.core.$ZodStringDef): Form {
  if (def.coerce || 'format' in def) return unsayable; // a format may trim
  const like: { source: string; flags: string }[] = [];
  const bounds = (def.checks ?? []).filter((check) => {
    const of = check._zod.def as z.core.$ZodCheckRegexDef;
    const plain = of.check === 'string_format' && of.format === 'regex' && /^[iu]*$/.test(of.pattern.flags);
    if (plain) like.push({ source: of.pattern.source, flags: of.pattern.flags });
    return !plain;
  });
  return withBounds({ is: 'text' as const, ...(like.length > 0 && { like }) }, bounds);
}

function numberForm(def: z.core.$ZodNumberDef): Form {
  const own = def as z.core.$ZodNumberDef & { readonly format?: string };
  if (def.coerce || (own.format !== undefined && own.format !== 'safeint')) return unsayable;
  let whole = own.format === 'safeint';
  const bounds = (def.checks ?? []).filter((check) => {
    const of = check._zod.def as z.core.$ZodCheckNumberFormatDef;
    const says = of.check === 'number_format' && of.format === 'safeint';
    whole ||= says;
    return !says;
  });
  return withBounds({ is: 'number' as const, whole }, bounds);
}

/** The form with its bounds, unless a check is no bound that we know. */
function withBounds<F extends Form>(form: F, checks: readonly z.core.$ZodCheck<never>[] = []): Form {
  const bounds: Bounds = {};
  const tighten = (name: keyof Bounds, value: number, lower: boolean) => {
    bounds[name] = lower ? Math.max(bounds[name] ?? value, value) : Math.min(bounds[name] ?? value, value);
    return true;
  };
  const known = checks.every((check) => {
    const of = check._zod.def as z.core.$ZodChecks['_zod']['def'];
    if (of.check === 'min_length') return tighten('min', of.minimum, true);
    if (of.check === 'max_length') return tighten('max', of.maximum, false);
    if (of.check === 'greater_than') return tighten(of.inclusive ? 'least' : 'above', Number(of.value), true);
    if (of.check === 'less_than') return tighten(of.inclusive ? 'most' : 'below', Number(of.value), false);
    return false;
  });
  return known ? { ...form, ...bounds } : unsayable;
}

function objectForm({ shape, catchall }: z.core.$ZodObjectDef): Form {
  const kind = catchall?._zod.def.type ?? 'never';
  if (kind !== 'never') return unsayable; // keeps what it does not know
  const may: string[] = [];
  const of = Object.entries(shape).map(([name, member]) => {
    const { type, ...def } = member._zod.def as z.core.$ZodOptionalDef;
    if (type !== 'optional') return [name, formOf(member)] as const;
    // A default inside fills in what is absent.
    if (def.innerType._zod.optin === undefined) may.push(name);
    return [name, (def.checks ?? []).length > 0 ? unsayable : formOf(def.innerType)] as const;
  });
  return { is: 'object', of: Object.fromEntries(of), may };
}

function recordForm(def: z.core.$ZodRecordDef): Form {
  const names = formOf(def.keyType as z.core.$ZodType);
  return names.is === 'text' ? { is: 'record', names, of: formOf(def.valueType as z.core.$ZodType) } : unsayable;
}

function toldApart({ discriminator, options }: z.core.$ZodDiscriminatedUnionDef): Form {
  const of = (options as readonly z.core.$ZodType[]).map((option) => {
    const form = formOf(option);
    const word = form.is === 'object' ? form.of[discriminator] : undefined;
    return word?.is === 'one of' && word.values.length === 1 && typeof word.values[0] === 'string'
      ? ([word.values[0], form] as const)
      : null;
  });
  return of.every((each) => each !== null)
    ? { is: 'told apart', by: discriminator, of: Object.fromEntries(of) }
    : unsayable;
}

/** The first schema that accepts decides what is returned: none may be among them that leaves members out or changes them. */
function anyOf({ options, inclusive }: z.core.$ZodUnionDef): Form {
  const schemas = options as readonly z.core.$ZodType[];
  return inclusive !== false && schemas.every(keepsAll) ? { is: 'any of', of: schemas.map(formOf) } : unsayable;
}

/** Whether a schema returns what it accepts as it is, with every member. */
function keepsAll(schema: z.core.$ZodType): boolean {
  const def = schema._zod.def as Def;
  if (def.type === 'object') return def.catchall?._zod.def.type === 'never' && Object.values(def.shape).every(keepsAll);
  if (def.type === 'array') return keepsAll(def.element);
  if (def.type === 'nullable' || def.type === 'optional') return keepsAll(def.innerType);
  if (def.type === 'union') return (def.options as readonly z.core.$ZodType[]).every(keepsAll);
  return (
    ['string', 'number', 'boolean', 'null', 'literal', 'enum'].includes(def.type) && formOf(schema).is !== 'unsayable'
  );
}

/** `z.json()` is a union of six, two of them made of itself. */
function isAnyJson(schema: z.core.$ZodLazy): boolean {
  const union = schema._zod.def.getter()._zod.def as z.core.$ZodUnionDef;
  if (union.type !== 'union' || (union.checks ?? []).length > 0) return false;
  const kinds = union.options.map((option) => {
    const { type, element, keyType, valueType, checks, coerce, format } = option._zod.def as unknown as Record<
      string,
      z.core.$ZodType
    >;
    if (checks !== undefined && (checks as unknown as readonly unknown[]).length > 0) return 'checked';
    if (coerce || format) return 'checked';
    if (element !== undefined) return element === schema ? 'list' : 'other list';
    if (valueType !== undefined)
      return valueType === schema && formOf(keyType as z.core.$ZodType).is === 'text' ? 'record' : 'other record';
    return String(type);
  });
  return kinds.toSorted().join() === 'boolean,list,null,number,record,string';
}
