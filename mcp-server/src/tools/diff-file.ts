import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';
import { clean } from '../untrusted.ts';

export const diffFile = defineTool({
  name: 'diff_file',
  title: 'Compare a file',
  description: 'Diff of a file against another file, its newest backup, or its package default. Secrets blacked out.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.diffFile.input,
  output: z.object({
    path: z.string(),
    against: z.string(),
    same: z.boolean().nullable(),
    untrusted_output: z.string(),
    redactions: z.int(),
    truncated: z.boolean(),
  }),
  narrow: 'read the parts that differ with read_file',
  run: async (input, { call, signal }) => {
    const found = await call('diffFile', input, { signal });
    return { ...found, untrusted_output: clean(found.untrusted_output) };
  },
});
