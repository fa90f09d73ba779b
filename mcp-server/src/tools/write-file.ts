import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { requestSchema, requestView, SOON_S } from '../request-view.ts';
import { asks, defineTool } from '../tool.ts';

export const writeFile = defineTool({
  name: 'write_file',
  title: 'Ask for a file change',
  description:
    'Ask to replace a file (edit a config) with `content`, whole; `validator` judges it first, such as nginx -t. `expected_sha256` comes from read_file; null for a new file. Returns an action id at once; a human sees the diff and must approve. Then call get_action.',
  scope: 'request',
  annotations: asks,
  input: assistantOperations.writeFile.input,
  output: requestSchema,
  narrow: 'get_action shows the action again',
  run: async (input, context) =>
    requestView(await context.call('writeFile', input, { signal: context.signal, soonS: SOON_S }), context),
});
