/** Room on file systems: who takes it, and giving it back. */
import { z } from 'zod';
import { diagnosticReportSchema } from '../findings.ts';
import {
  diagnosticOptions,
  durationSchema,
  mutate,
  observe,
  pathSchema,
  sinceSchema,
  unitSchema,
} from './capability.ts';

export const diagnostics = {
  disk: observe(
    'Full file systems, the biggest folders, and deleted files that are still open.',
    z.strictObject({ path: pathSchema.default('/'), top: z.int().min(1).max(50).default(20) }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  inodes: observe(
    'File systems that run out of inodes, and the folders with most entries.',
    z.strictObject({ mount: pathSchema.default('/') }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
  storage_hw: observe(
    'File systems that became read-only, degraded arrays, failing disks, and I/O errors of the kernel.',
    z.strictObject({ since: sinceSchema }),
    diagnosticReportSchema,
    diagnosticOptions,
  ),
};

export const probes = {
  'disk.free': observe(
    'Free space of the file system that holds a path.',
    z.strictObject({ path: pathSchema }),
    z.object({ mount: z.string(), bytes_free: z.int(), used_ratio: z.number() }),
    { needsRoot: false },
  ),
  'mount.state': observe(
    'Whether a mount can be written to, and how many I/O errors the kernel told of within a day.',
    z.strictObject({ path: pathSchema }),
    z.object({
      mounted: z.boolean(),
      read_only: z.boolean(),
      writable: z.boolean(),
      io_errors: z.int(),
      device_failing: z.boolean(),
    }),
  ),
  'inodes.free': observe(
    'Free inodes of the file system that holds a path.',
    z.strictObject({ path: pathSchema }),
    z.object({ mount: z.string(), inodes_free: z.int(), used_percent: z.int() }),
    { needsRoot: false },
  ),
  'unit.deleted_files': observe(
    'Deleted files that processes of a unit still have open: their room is not free.',
    z.strictObject({ unit: unitSchema }),
    z.object({ files: z.int(), bytes: z.int() }),
  ),
};

export const changes = {
  'sessions.pack': mutate(
    'Pack old small files of a folder into one file and remove them, so that their inodes are free.',
    'medium',
    z.strictObject({
      root: pathSchema,
      pattern: z
        .string()
        .max(60)
        .regex(/^[A-Za-z0-9._*-]+$/, 'a file name; * stands for any characters')
        .default('sess_*'),
      older_than: durationSchema.default('24h'),
      max_files: z.int().min(1).max(500_000).default(100_000),
    }),
    { timeoutMs: 300_000, undoable: true },
  ),
  'mount.remount_rw': mutate(
    'Make a file system that became read-only writable again.',
    'critical',
    z.strictObject({ path: pathSchema }),
    { undoable: true },
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
};
