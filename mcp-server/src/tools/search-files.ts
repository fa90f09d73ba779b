import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { countThatFits } from '../fit.ts';
import { defineTool, reads } from '../tool.ts';
import { resultFits } from '../tool-result.ts';
import { oneLine } from '../untrusted.ts';

export const searchFiles = defineTool({
  name: 'search_files',
  title: 'Search in files',
  description:
    'Lines that contain a plain text (grep), in files below a folder on a server; `name` filters file names with * and ?.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.searchFiles.input,
  output: z.object({
    matches: z.array(z.object({ path: z.string(), line: z.int(), untrusted_output: z.string() })),
    files_searched: z.int(),
    redactions: z.int(),
    truncated: z.boolean(),
    hint: z.string().optional(),
  }),
  narrow: 'search for a longer text, in a deeper folder, or filter by name',
  run: async (input, { call, signal }) => {
    const { matches, ...rest } = await call('searchFiles', input, { signal });
    const rows = matches.map(({ path, line, untrusted_output }) => ({
      path,
      line,
      untrusted_output: oneLine(untrusted_output, 500),
    }));
    const most = countThatFits(rows, (some) => resultFits({ matches: some, ...rest }));
    const truncated = rest.truncated || most < rows.length;
    const hint = truncated ? { hint: 'There are more: search for a longer text, or in a deeper folder.' } : {};
    return { matches: rows.slice(0, most), ...rest, truncated, ...hint };
  },
});
