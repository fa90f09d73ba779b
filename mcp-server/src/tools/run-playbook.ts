import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { playbookRequestSchema, playbookRequestView, SOON_S } from '../request-view.ts';
import { asks, defineTool } from '../tool.ts';

export const runPlaybook = defineTool({
  name: 'run_playbook',
  title: 'Ask for a fix',
  description:
    'Ask to run a playbook on a server: restart or reload a service, reset a failed unit, clean up a full disk, reload nginx, set a config key. Returns an action id at once; a human must approve before anything happens. Then call get_action.',
  scope: 'request',
  annotations: asks,
  input: assistantOperations.runPlaybook.input,
  output: playbookRequestSchema,
  narrow: 'get_action shows the action again',
  run: async (input, context) =>
    playbookRequestView(await context.call('runPlaybook', input, { signal: context.signal, soonS: SOON_S }), context),
});
