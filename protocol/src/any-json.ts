/** Any JSON inside a message. */
import { z } from 'zod';

type AnyJson = z.core.util.JSONType;

/**
 * As `z.json()`, but looked through as it is: a schema for each member of a long report costs more than the rest of its frame.
 * Not a copy. Goes down level by level: what comes from a stranger has to be bounded before, as `parseJson` does.
 */
export const anyJsonSchema = z.custom<AnyJson>(isJson, 'not JSON');
// A schema in JSON that says nothing lets any JSON pass; zod would say of its own function that it cannot be said.
anyJsonSchema._zod.toJSONSchema = () => ({});

/** Takes members named `__proto__` out, as zod does: who copies them one by one would set a prototype. */
function isJson(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value); // 1e999 is read as Infinity
    case 'object':
      return value === null || (Array.isArray(value) ? value.every(isJson) : isJsonObject(value));
    default:
      return false;
  }
}

function isJsonObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name of Object.keys(value)) {
    if (name === '__proto__') delete (value as Record<string, unknown>)[name];
    else if (!isJson((value as Record<string, unknown>)[name])) return false;
  }
  return true;
}
