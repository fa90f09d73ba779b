/** From frame to message and back. Decoding has three outcomes, so that an unknown message of a newer peer is no error. */
import type { z } from 'zod';
import { problemsOf } from '../errors.ts';
import { parseJson } from '../parse-json.ts';
import type { Decoded } from './frame.ts';
import { type FromAgent, type FromControlPlane, fromAgentSchema, fromControlPlaneSchema } from './messages.ts';

export { type Decoded, encode, FRAME_BYTES_MAX } from './frame.ts';

export const decodeFromAgent = (frame: string): Decoded<FromAgent> => decode(fromAgentSchema, frame);
export const decodeFromControlPlane = (frame: string): Decoded<FromControlPlane> =>
  decode(fromControlPlaneSchema, frame);

function decode<M>(
  schema: z.ZodType<M> & { options: readonly { shape: { type: { value: string } } }[] },
  frame: string,
): Decoded<M> {
  let value: unknown;
  try {
    value = parseJson(frame);
  } catch (error) {
    return { outcome: 'invalid', problems: error instanceof SyntaxError ? 'not JSON' : String(error) };
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return { outcome: 'ok', message: parsed.data };
  const type = value !== null && typeof value === 'object' && 'type' in value ? value.type : undefined;
  const known = schema.options.some((option) => option.shape.type.value === type);
  if (typeof type === 'string' && !known) return { outcome: 'not_at_this_level', type: type.slice(0, 60) };
  return { outcome: 'invalid', problems: problemsOf(parsed.error).slice(0, 1000) };
}
