/** What one capability is, and the parameter types that capabilities share. */
import { z } from 'zod';
import { type Risk, riskSchema } from '../risk.ts';

export type Effect = 'observe' | 'mutate';

/** One thing an agent can do. Parameters are typed; there is never a shell string. */
export interface Capability<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
  readonly effect: Effect;
  /** What it is, as a person or an assistant reads it. One sentence. */
  readonly summary: string;
  readonly parameters: P;
  /** What the agent returns. For `mutate` always {@link stepResultSchema}. */
  readonly result: R;
  /** When the agent gives up, milliseconds. */
  readonly timeoutMs: number;
  /** Whether only the runner (root) can do it. Without systemd or root the agent tries anyway and says what it could not see. */
  readonly needsRoot: boolean;
  /** For `mutate`: the risk when nothing else raises it. */
  readonly risk: Risk;
  /** For `mutate`: whether the agent can take it back. */
  readonly undoable: boolean;
  /** Whether people and assistants meet it as a diagnostic (its result is a diagnostic report). */
  readonly diagnostic: boolean;
}

/** Declares an `observe` capability. */
export function observe<P extends z.ZodObject, R extends z.ZodType>(
  summary: string,
  parameters: P,
  result: R,
  options: { readonly timeoutMs?: number; readonly needsRoot?: boolean; readonly diagnostic?: boolean } = {},
) {
  return {
    effect: 'observe',
    summary,
    parameters,
    result,
    timeoutMs: 15_000,
    needsRoot: true,
    risk: 'low',
    undoable: false,
    diagnostic: false,
    ...options,
  } as const satisfies Capability<P, R>;
}

/** Declares a `mutate` capability. */
export function mutate<P extends z.ZodObject>(
  summary: string,
  risk: Risk,
  parameters: P,
  options: { readonly timeoutMs?: number; readonly undoable?: boolean } = {},
) {
  return {
    effect: 'mutate',
    summary,
    parameters,
    result: stepResultSchema,
    timeoutMs: 60_000,
    needsRoot: true,
    risk,
    undoable: false,
    diagnostic: false,
    ...options,
  } as const satisfies Capability<P, typeof stepResultSchema>;
}

/** What a mutating step returns. */
export const stepResultSchema = z.object({
  changed: z.boolean(),
  /** Exit code of the last process; null where the step starts none. */
  exit_code: z.int().nullable(),
  /** What happened, one sentence. */
  summary: z.string().max(500),
});
export type StepResult = z.infer<typeof stepResultSchema>;

/** A systemd unit with its type. `nginx` means `nginx.service`. Source: systemd.unit(5). */
export const unitSchema = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_@][A-Za-z0-9:_.\\@-]*$/, 'a systemd unit name such as nginx.service')
  .transform((name) =>
    /\.(service|socket|timer|target|mount|path|slice|scope|swap|automount|device)$/.test(name)
      ? name
      : `${name}.service`,
  );

/** An absolute, normalised path without control characters. */
export const pathSchema = z
  .string()
  .max(4096)
  .regex(/^\/[^\u0000-\u001f\u007f]*$/, 'an absolute path')
  .refine(
    (path) => path === '/' || (!path.includes('//') && !path.split('/').some((part) => part === '.' || part === '..')),
    'a path without //, . and ..',
  )
  .transform((path) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path));

/** An IP address, or a range of them: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::1`. */
export const addressSchema = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], 'an IP address or a range of them');

/** A length of time: `90s`, `15m`, `24h`, `7d`; seconds to days. Stays text, so that people read what they wrote. */
export const durationSchema = z.string().regex(/^[1-9]\d{0,5}[smhd]$/, 'a duration such as 90s, 15m, 24h or 7d');

/** A size: `500M`, `2G`. Stays text. */
export const sizeSchema = z.string().regex(/^[1-9]\d{0,6}[KMG]$/, 'a size such as 500M or 2G');

/** How far a diagnostic looks back. */
export const sinceSchema = durationSchema.default('24h').describe('how far to look back');

/** The options of a diagnostic: its report is a whole answer, and it has the time of one. */
export const diagnosticOptions = { diagnostic: true, timeoutMs: 18_000 } as const;

/** Milliseconds of a {@link durationSchema}. */
export function durationMs(duration: string): number {
  const unit = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[duration.slice(-1)];
  if (unit === undefined) throw new RangeError(`not a duration: ${duration}`);
  return Number.parseInt(duration, 10) * unit;
}

/** Bytes of a {@link sizeSchema}. */
export function sizeBytes(size: string): number {
  const unit = { K: 1024, M: 1024 ** 2, G: 1024 ** 3 }[size.slice(-1)];
  if (unit === undefined) throw new RangeError(`not a size: ${size}`);
  return Number.parseInt(size, 10) * unit;
}

/** One word of argv. `form-of.ts` says it in patterns. */
export const argvWordSchema = z
  .string()
  .max(4096)
  .refine((word) => !word.includes('\0'), 'no NUL')
  .refine((word) => word.isWellFormed(), 'well-formed text');

/** One process to start: a program and its arguments. No shell looks at it. */
export const argvSchema = z.array(argvWordSchema).min(1).max(64);

export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in 64 lower-case hex digits');
export { riskSchema };
