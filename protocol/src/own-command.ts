/**
 * A command that a server's owner declared in the server's own policy. Its argv is built on the server, from the declaration that lies
 * there: a control plane can name it and give values, no more. Source: design.md, section 6.
 */
import { z } from 'zod';
import { argvSchema, durationMs, durationSchema } from './capabilities/capability.ts';
import { parameterNameSchema, parameterSchema, REFERENCE, WHOLE_REFERENCE } from './parameter-types.ts';
import { riskSchema } from './risk.ts';

/** What stands behind `local.`: `local.run`, `local.check` and `local.undo` are the capabilities that run such commands. */
export const ownCommandNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,39}$/, 'a name such as clear_cache')
  .refine((name) => !['run', 'check', 'undo'].includes(name), 'another name: run, check and undo are taken');

const program = z.strictObject({ argv: argvSchema });

export const ownCommandSchema = z
  .strictObject({
    name: ownCommandNameSchema,
    summary: z.string().min(1).max(300).optional(),
    /** `{{name}}` stands for a parameter, as a whole word only. */
    argv: argvSchema,
    parameters: z.record(parameterNameSchema, parameterSchema).default({}),
    risk: riskSchema.default('high'),
    /** Run after it; an exit code other than 0 means that it failed. */
    check: program.optional(),
    /** Run when it or its check failed. */
    undo: program.optional(),
    timeout: durationSchema.refine((text) => durationMs(text) <= 3_600_000, 'at most 1h').default('60s'),
  })
  .superRefine((command, context) => {
    for (const [part, argv] of Object.entries(partsOf(command)))
      for (const problem of argv.flatMap((word, n) => problemsIn(word, n, command.parameters)))
        context.addIssue({ code: 'custom', path: [part], message: problem });
  });
/** A command that the server's owner declared. */
export type OwnCommand = z.output<typeof ownCommandSchema>;
export type OwnCommandPart = 'run' | 'check' | 'undo';

/** What others are told of it: how to ask for it, and the digest of what was declared. */
export const ownCommandViewSchema = z.object({
  name: ownCommandNameSchema,
  summary: z.string().max(300),
  risk: riskSchema,
  parameters: z.record(parameterNameSchema, parameterSchema),
  checks: z.boolean(),
  undoes: z.boolean(),
  timeoutMs: z.int().positive(),
  declaration: z.string().max(100),
});
export type OwnCommandView = z.output<typeof ownCommandViewSchema>;

/** `declaration`: the digest of the command as it is declared. */
export function ownCommandView(command: OwnCommand, declaration: string): OwnCommandView {
  return {
    name: command.name,
    summary: command.summary ?? `A command of the server's owner, called ${command.name}.`,
    risk: command.risk,
    parameters: command.parameters,
    checks: command.check !== undefined,
    undoes: command.undo !== undefined,
    timeoutMs: durationMs(command.timeout),
    declaration,
  };
}

/** The argv of each part as it is declared. */
export function partsOf({ argv, check, undo }: Pick<OwnCommand, 'argv' | 'check' | 'undo'>) {
  return { run: argv, ...(check && { check: check.argv }), ...(undo && { undo: undo.argv }) } as Readonly<
    Record<'run', string[]> & Partial<Record<'check' | 'undo', string[]>>
  >;
}

function problemsIn(word: string, n: number, parameters: OwnCommand['parameters']): string[] {
  const names = [...word.matchAll(REFERENCE)].map(([, name]) => name ?? '');
  if (names.length === 0) return [];
  if (!WHOLE_REFERENCE.test(word)) return [`${word}: a parameter is a whole word; nothing may stand beside it`];
  if (n === 0) return [`${word}: the program itself cannot be a parameter`];
  return names
    .filter((name) => !Object.hasOwn(parameters, name))
    .map((name) => `${word}: no parameter ${name} is declared`);
}
