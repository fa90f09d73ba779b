import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { type InputRequiredResult, isInputRequiredResult } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { type ActionWithOutput, isSettled } from '../action-view.ts';
import { defineTool, reads, type ToolContext } from '../tool.ts';
import { waitForAction } from '../wait-for-action.ts';
import { wholeActionSchema, wholeActionView } from '../whole-action-view.ts';

export const getAction = defineTool({
  name: 'get_action',
  title: 'State of an action',
  description:
    'One action: whether a human approved it, what ran, result, check and undo. With `wait_s` (at most 50) it waits until it is decided and done; call again if it is not.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getAction.input,
  output: wholeActionSchema,
  narrow: 'the audit log has the rest',
  prompts: true,
  run: async ({ action, wait_s }, context): Promise<z.input<typeof wholeActionSchema> | InputRequiredResult> => {
    const first = await context.call('getAction', { action, wait_s: 0 }, { signal: context.signal });
    if (wait_s === 0 || isSettled(first.state)) return view(first, context);
    const prompt = first.state === 'awaiting_approval' ? await context.prompt.ask(first) : null;
    if (isInputRequiredResult(prompt)) return prompt;
    return view(await waitForAction(context, first, wait_s, prompt), context);
  },
});

function view(detail: ActionWithOutput, { approveUrl, prompt }: ToolContext): z.input<typeof wholeActionSchema> {
  const objection = prompt.objection();
  return wholeActionView(detail, approveUrl, objection === null ? {} : { hint: objection });
}
