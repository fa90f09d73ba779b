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
    z.strictObject({ since: sinceSchema, unitSchema }),
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
  'unit.deleted_files': observe(
    'Deleted files that processes of a unit still have open: their room is not free.',
    z.strictObject({ unit: unitSchema }),
    z.object({ files: z.int(), bytes: z.int() }),
  ),
};

export const changes = {
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
