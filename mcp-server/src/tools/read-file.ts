import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { countThatFits } from '../fit.ts';
import { defineTool, reads } from '../tool.ts';
import { resultFits } from '../tool-result.ts';
import { clean } from '../untrusted.ts';

export const readFile = defineTool({
  name: 'read_file',
  title: 'Read a file',
  description:
    'Lines of a text file on a server (config, log), secrets blacked out. `sha256` is of the whole file, for write_file.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.readFile.input,
  output: z.object({
    path: z.string(),
    sha256: z.string(),
    bytes: z.int(),
    total_lines: z.int(),
    from_line: z.int(),
    to_line: z.int(),
    next_from_line: z.int().nullable().describe('pass it as from_line for the rest'),
    untrusted_output: z.string(),
    redactions: z.int(),
    truncated: z.boolean(),
    hint: z.string().optional(),
  }),
  narrow: 'ask for fewer lines, or use search_files',
  run: async (input, { call, signal }) => {
    const file = await call('readFile', input, { signal });
    const text = clean(file.untrusted_output);
    const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n');
    const view = (shown: readonly string[]) => {
      const to_line = file.from_line + shown.length - 1;
      const more = to_line < file.total_lines && shown.length > 0;
      return {
        path: file.path,
        sha256: file.sha256,
        bytes: file.bytes,
        total_lines: file.total_lines,
        from_line: file.from_line,
        to_line,
        next_from_line: more ? to_line + 1 : null,
        untrusted_output: shown.length === lines.length ? text : shown.join('\n'),
        redactions: file.redactions,
        truncated: file.truncated || shown.length < lines.length,
        ...(hintFor(file.untrusted_output, text) ?? {}),
      };
    };
    // One line that is too long by itself is cut like any other text.
    const most = Math.max(
      1,
      countThatFits(lines, (shown) => resultFits(view(shown))),
    );
    return view(lines.slice(0, most));
  },
});

/** Somebody who writes back what was read should know that it is not quite what the file holds. */
function hintFor(raw: string, text: string): { hint: string } | undefined {
  if (raw.replace(/\r\n?/g, '\n') !== text) return { hint: 'Control or invisible characters were left out.' };
  return raw === text ? undefined : { hint: 'Lines end with CR LF in the file.' };
}
