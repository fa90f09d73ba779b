import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { requestSchema, requestView } from '../request-view.ts';
import { asks, defineTool } from '../tool.ts';

export const runCommand = defineTool({
  name: 'run_command',
  title: 'Ask for a command',
  description:
    'Ask to run one program with arguments (argv, no shell) when no playbook fits. Off unless the server allows commands. One that only reads (df -h, ss -tln) may run at once. Returns an action id; a human must approve all others. Then call get_action.',
  scope: 'request',
  annotations: asks,
  input: assistantOperations.runCommand.input,
  output: requestSchema,
  narrow: 'get_action shows the action again',
  run: async (input, { call, signal, approveUrl }) =>
    requestView(await call('runCommand', input, { signal }), approveUrl),
});
