/** Reading, searching and writing files below the roots that the server's own policy allows. */
import { z } from 'zod';
import { mutate, observe, pathSchema, sha256Schema } from './capability.ts';

export const fileStateSchema = z.object({
  exists: z.boolean(),
  kind: z.enum(['file', 'directory', 'symlink', 'other', 'none']),
  bytes: z.int(),
  sha256: sha256Schema.nullable(),
  mode: z.string(),
  owner: z.string(),
});

export const FILE_BYTES_MAX = 1024 * 1024;

/** Programs that judge a new content before it stays. The server knows the argv; nobody sends one. */
export const validatorSchema = z.enum(['none', 'nginx', 'sshd', 'json', 'yaml', 'systemd']);

export const diagnostics = {};

export const probes = {
  'file.state': observe(
    'Kind, size, owner and SHA-256 of a file.',
    z.strictObject({ path: pathSchema }),
    fileStateSchema,
  ),

  'file.read': observe(
    'Lines of a text file, redacted.',
    z.strictObject({
      path: pathSchema,
      from_line: z.int().min(1).default(1),
      lines: z.int().min(1).max(2000).default(400),
    }),
    z.object({
      path: z.string(),
      sha256: sha256Schema.describe('of the whole file as it is on disk, before redaction'),
      bytes: z.int(),
      total_lines: z.int(),
      from_line: z.int(),
      untrusted_output: z.string(),
      redactions: z.int(),
      truncated: z.boolean(),
    }),
  ),
  'file.diff': observe(
    'What is different between a file and another one, its newest backup, or what its package brought; redacted on both sides.',
    z.strictObject({
      path: pathSchema,
      against: z.enum(['file', 'backup', 'package']),
      other: pathSchema.optional().describe('for against: file'),
    }),
    z.object({
      path: z.string(),
      /** What it was compared with, in words. */
      against: z.string().max(500),
      /** Null where that cannot be known. */
      same: z.boolean().nullable(),
      untrusted_output: z.string().describe('unified diff; + is what the file holds'),
      redactions: z.int(),
      truncated: z.boolean(),
    }),
    { timeoutMs: 18_000 },
  ),
  'file.search': observe(
    'Lines that contain a text, in the files below a folder.',
    z.strictObject({
      path: pathSchema,
      text: z.string().min(1).max(200).describe('plain text, not a pattern'),
      name: z
        .string()
        .max(100)
        .regex(/^[^/\0]*$/)
        .optional()
        .describe('file name with * and ? as wildcards'),
      max_matches: z.int().min(1).max(200).default(50),
    }),
    z.object({
      matches: z.array(z.object({ path: z.string(), line: z.int(), untrusted_output: z.string() })),
      files_searched: z.int(),
      redactions: z.int(),
      truncated: z.boolean(),
    }),
  ),
};

export const changes = {
  'file.write': mutate(
    'Replace the content of a file: atomically, with a backup, after a validator accepted it.',
    'high',
    z.strictObject({
      path: pathSchema,
      content: z.string().max(FILE_BYTES_MAX),
      expected_sha256: sha256Schema
        .nullable()
        .describe('of the present content; null when the file must not exist yet'),
      validator: validatorSchema.default('none'),
    }),
    { undoable: true },
  ),
  'config.set_key': mutate(
    'Set one key of a configuration file, keeping everything else of it.',
    'medium',
    z.strictObject({
      path: pathSchema,
      format: z.enum(['ini', 'env', 'nginx', 'json', 'yaml']),
      section: z
        .string()
        .max(200)
        .optional()
        .describe('ini section, or the path of blocks in nginx, json and yaml: server.location'),
      key: z
        .string()
        .min(1)
        .max(200)
        .regex(/^[A-Za-z0-9_.:/-]+$/),
      value: z
        .string()
        .max(2000)
        .regex(/^[^\r\n\0]*$/, 'one line'),
      expected_sha256: sha256Schema.optional(),
      validator: validatorSchema.default('none'),
    }),
    { undoable: true },
  ),
  'file.restore': mutate(
    'Put a file back as it was before this action. Only as an undo.',
    'medium',
    z.strictObject({ path: pathSchema }),
  ),
};
