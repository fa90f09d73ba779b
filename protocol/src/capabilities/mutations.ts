/** Changes to units, the journal, temporary files and, where the server's owner allows it, a command. */
import { z } from 'zod';
import { argvSchema, durationSchema, mutate, pathSchema, sha256Schema, sizeSchema, unitSchema } from './capability.ts';

const text = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\0]*$/, 'text');

/** The longest text of firewall rules. */
export const RULESET_CHARACTERS_MAX = 128 * 1024;

const unit = z.strictObject({ unit: unitSchema });

export const mutations = {
  'unit.restart': mutate('Restart a unit.', 'medium', unit, { timeoutMs: 120_000 }),
  'unit.reload': mutate('Have a unit read its configuration again.', 'low', unit),
  'unit.reload_or_restart': mutate('Reload a unit, or start it when it does not run.', 'medium', unit, {
    timeoutMs: 120_000,
  }),
  'unit.start': mutate('Start a unit.', 'medium', unit, { timeoutMs: 120_000, undoable: true }),
  'unit.stop': mutate('Stop a unit.', 'high', unit, { timeoutMs: 120_000, undoable: true }),
  'unit.reset_failed': mutate('Clear the failed state of a unit.', 'low', unit),
  'unit.restore': mutate(
    'Bring a unit back to what it was before this action: stopped, or running with the configuration it has now. Only as an undo.',
    'medium',
    unit,
    { timeoutMs: 120_000 },
  ),
  'journal.vacuum': mutate(
    'Delete the oldest journal files until the journal is small enough.',
    'low',
    z.strictObject({ keep: sizeSchema.default('500M') }),
    { timeoutMs: 120_000 },
  ),
  'tmp.clean': mutate(
    'Move old files out of a temporary folder into quarantine on the same file system.',
    'medium',
    z.strictObject({
      root: pathSchema,
      older_than: durationSchema.default('7d'),
      max_files: z.int().min(1).max(100_000).default(10_000),
    }),
    { timeoutMs: 300_000, undoable: true },
  ),
  'firewall.apply': mutate(
    'Replace the whole ruleset of nftables, in force and in /etc/nftables.conf. Checked beforehand, taken back as a whole.',
    'critical',
    z.strictObject({
      ruleset: z
        .string()
        .min(1)
        .max(RULESET_CHARACTERS_MAX)
        .regex(/^[^\0]*$/, 'text')
        .describe('the whole text of /etc/nftables.conf, beginning with `flush ruleset`, including no other file'),
      expected_sha256: sha256Schema
        .optional()
        .describe('of the present /etc/nftables.conf, so that nothing is replaced unseen'),
    }),
    { timeoutMs: 30_000, undoable: true },
  ),
  'command.run': mutate(
    'Run one program with arguments, without a shell. What it does cannot be predicted.',
    'high',
    z.strictObject({
      argv: argvSchema,
      cwd: pathSchema.optional(),
      timeout_s: z.int().min(1).max(3600).default(60),
      stdin: text(64 * 1024)
        .optional()
        .describe('standard input; may hold {{secret:name}}'),
      environment: z
        .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'the name of a variable'), text(8192))
        .optional()
        .describe('variables of the environment; values may hold {{secret:name}}'),
    }),
    { timeoutMs: 3_600_000 },
  ),
};
