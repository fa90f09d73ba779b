/**
 * The form of a JSON value as data, so that a process that is there all the time can tell what comes without loading the
 * schemas. It accepts less than they do: what fits is exactly what the schema would return for it, and what does not fit is for
 * the schema to judge. Made by `form-of.ts`; pure, and without zod.
 */
import type { z } from 'zod';

export type Form =
  /** For what forms have no word for: left to the schema. */
  | { readonly is: 'unsayable' }
  | { readonly is: 'text'; readonly min?: number; readonly max?: number; readonly like?: readonly Pattern[] }
  /** Bounds that belong to it, and those that do not. */
  | {
      readonly is: 'number';
      readonly whole: boolean;
      readonly least?: number;
      readonly most?: number;
      readonly above?: number;
      readonly below?: number;
    }
  | { readonly is: 'boolean' }
  | { readonly is: 'json' }
  | { readonly is: 'one of'; readonly values: readonly (string | number | boolean | null)[] }
  | { readonly is: 'list'; readonly of: Form; readonly min?: number; readonly max?: number }
  /** Exactly these members; those of `may` can be absent. */
  | { readonly is: 'object'; readonly of: Readonly<Record<string, Form>>; readonly may: readonly string[] }
  | { readonly is: 'record'; readonly names: Form; readonly of: Form }
  /** An object whose member `by` says which of the forms it has. */
  | { readonly is: 'told apart'; readonly by: string; readonly of: Readonly<Record<string, Form>> }
  | { readonly is: 'any of'; readonly of: readonly Form[] };

interface Pattern {
  readonly source: string;
  readonly flags: string;
}

/** Names that zod leaves out or that make a value no plain object. */
const ODD_NAMES: readonly string[] = ['__proto__', 'constructor'];

/** Whether a value, as `parseJson` returned it, has the form. Recurses no deeper than the value. */
export function fits(form: Form, value: unknown): boolean {
  switch (form.is) {
    case 'text':
      return typeof value === 'string' && within(form, value.length) && (form.like ?? []).every(matches(value));
    case 'number':
      return typeof value === 'number' && fitsNumber(form, value);
    case 'boolean':
      return typeof value === 'boolean';
    case 'one of':
      return form.values.includes(value as string);
    case 'json':
      return isJson(value);
    case 'list':
      return Array.isArray(value) && within(form, value.length) && value.every((each) => fits(form.of, each));
    case 'object':
      return isObject(value) && hasExactly(form, value);
    case 'record':
      return isObject(value) && isRecordOf(form, value);
    case 'told apart': {
      const word = isObject(value) ? value[form.by] : undefined;
      const found = typeof word === 'string' && Object.hasOwn(form.of, word) ? form.of[word] : undefined;
      return found !== undefined && fits(found, value);
    }
    case 'any of':
      return form.of.some((each) => fits(each, value));
    case 'unsayable':
      return false;
  }
}

/** A schema that is made only for values that do not have its form. */
export interface Shape<T> {
  /** Returns the value as the schema does. Throws zod's error. */
  parse(value: unknown): T;
}

export function shapeOf<T>(form: Form, schema: () => z.ZodType<T>): Shape<T> {
  return { parse: (value) => (fits(form, value) ? (value as T) : schema().parse(value)) };
}

function within({ min = 0, max = Number.POSITIVE_INFINITY }: { min?: number; max?: number }, length: number): boolean {
  return length >= min && length <= max;
}

const patterns = new Map<string, RegExp>();

const matches = (text: string) => (pattern: Pattern) => {
  const { source, flags } = pattern;
  const name = `${flags}/${source}`;
  const known = patterns.get(name) ?? new RegExp(source, flags);
  patterns.set(name, known);
  return known.test(text);
};

function fitsNumber(form: Extract<Form, { is: 'number' }>, value: number): boolean {
  if (form.whole ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return false;
  const { least = value, most = value, above = Number.NEGATIVE_INFINITY, below = Number.POSITIVE_INFINITY } = form;
  return value >= least && value <= most && value > above && value < below;
}

function hasExactly({ of, may }: Extract<Form, { is: 'object' }>, value: Record<string, unknown>): boolean {
  for (const name of Object.keys(value)) {
    const form = Object.hasOwn(of, name) ? of[name] : undefined;
    if (form === undefined || !fits(form, value[name])) return false;
  }
  return Object.keys(of).every((name) => Object.hasOwn(value, name) || may.includes(name));
}

function isRecordOf({ names, of }: Extract<Form, { is: 'record' }>, value: Record<string, unknown>): boolean {
  return Object.keys(value).every((name) => !ODD_NAMES.includes(name) && fits(names, name) && fits(of, value[name]));
}

function isJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value); // 1e999 is read as Infinity
  if (Array.isArray(value)) return value.every(isJson);
  if (isObject(value)) return Object.keys(value).every((name) => !ODD_NAMES.includes(name) && isJson(value[name]));
  return value === null || typeof value === 'string' || typeof value === 'boolean';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
