import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { requestSchema, requestView, SOON_S } from '../request-view.ts';
import { asks, defineTool } from '../tool.ts';

export const runCommand = defineTool({
  name: 'run_command',
  title: 'Ask for a command',
  description:
    'Ask to run one program with arguments (argv, no shell) when no playbook fits. Off unless the server allows commands. What policy allows (perhaps df -h, ss -tln) runs at once; a quick one answers with its result. A human must approve all others: call get_action.',
  scope: 'request',
  annotations: asks,
  input: assistantOperations.runCommand.input,
  output: requestSchema,
  narrow: 'get_action shows the action again',
  run: async (input, context) =>
    requestView(await context.call('runCommand', input, { signal: context.signal, soonS: SOON_S }), context),
});
