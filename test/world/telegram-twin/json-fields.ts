/** Fields of JSON objects that arrive inside a parameter, read with Telegram's leniency and Telegram's error texts. */
import { badRequest } from './telegram-error.ts';

export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field that must be there. Numbers are taken as text, as Telegram does. */
export function requiredText(object: JsonObject, name: string): string {
  const value = optionalText(object, name);
  if (value === undefined) throw badRequest(`Can't find field "${name}"`);
  return value;
}

export function optionalText(object: JsonObject, name: string): string | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') throw badRequest(`Field "${name}" must be of type String`);
  return value;
}

/** A whole number that must be there; digits in a string count too. */
export function requiredInteger(object: JsonObject, name: string): number {
  const value = object[name];
  if (value === undefined || value === null) throw badRequest(`Can't find field "${name}"`);
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number') throw badRequest(`Field "${name}" must be of type Number`);
  if (!Number.isSafeInteger(number)) throw badRequest(`Field "${name}" must be a valid Number`);
  return number;
}

export function optionalFlag(object: JsonObject, name: string): boolean {
  const value = object[name];
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw badRequest(`Field "${name}" must be of type Boolean`);
  return value;
}

export function requiredObject(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  if (value === undefined || value === null) throw badRequest(`Can't find field "${name}"`);
  if (!isObject(value)) throw badRequest(`Field "${name}" must be of type Object`);
  return value;
}

export function optionalArray(object: JsonObject, name: string): unknown[] | undefined {
  const value = object[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw badRequest(`Field "${name}" must be of type Array`);
  return value;
}
