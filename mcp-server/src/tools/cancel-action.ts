import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { actionView } from '../action-view.ts';
import { briefActionSchema } from '../request-view.ts';
import { asks, defineTool } from '../tool.ts';

export const cancelAction = defineTool({
  name: 'cancel_action',
  title: 'Take a request back',
  description: 'Withdraw your own pending request; ask a running one to stop.',
  scope: 'request',
  annotations: asks,
  input: assistantOperations.cancelAction.input,
  output: briefActionSchema,
  narrow: 'get_action shows the action again',
  run: async (input, { call, signal, approveUrl }) =>
    actionView(await call('cancelAction', input, { signal }), approveUrl),
});
