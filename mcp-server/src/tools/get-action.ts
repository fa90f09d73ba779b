import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { type InputRequiredResult, isInputRequiredResult } from '@modelcontextprotocol/server';
import { z } from 'zod';
import {
  type ActionWithOutput,
  actionResult,
  actionResultSchema,
  actionSchema,
  actionView,
  isSettled,
} from '../action-view.ts';
import { countThatFits } from '../fit.ts';
import { defineTool, reads, type ToolContext } from '../tool.ts';
import { resultFits } from '../tool-result.ts';
import { clean, oneLine } from '../untrusted.ts';
import { waitForAction } from '../wait-for-action.ts';

const output = actionSchema.extend({
  approvals: z.array(
    z.object({
      person: z.string(),
      verdict: z.string(),
      channel: z.string(),
      at: z.string(),
      reason: z.string().nullable(),
    }),
  ),
  current_step: z.string().nullable(),
  result: actionResultSchema,
  untrusted_output: z.string().describe('tail of what the steps printed'),
  output_truncated: z.boolean(),
  untrusted_reason: z.string().nullable().describe('why it was asked for'),
  hint: z.string().optional(),
});

export const getAction = defineTool({
  name: 'get_action',
  title: 'State of an action',
  description:
    'One action: whether a human approved it, what ran, result, check and undo. With `wait_s` (at most 50) it waits until it is decided and done; call again if it is not.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.getAction.input,
  output,
  narrow: 'the audit log has the rest',
  run: async ({ action, wait_s }, context): Promise<z.input<typeof output> | InputRequiredResult> => {
    const first = await context.call('getAction', { action, wait_s: 0 }, { signal: context.signal });
    if (wait_s === 0 || isSettled(first.state)) return view(first, context);
    const prompt = first.state === 'awaiting_approval' ? await context.prompt.ask(first) : null;
    if (isInputRequiredResult(prompt)) return prompt;
    return view(await waitForAction(context, first, wait_s, prompt), context);
  },
});

function view(detail: ActionWithOutput, { approveUrl, prompt }: ToolContext): z.input<typeof output> {
  const objection = prompt.objection();
  const withOutput = (text: string, cut: boolean) => ({
    ...actionView(detail, approveUrl),
    approvals: detail.approvals.map(({ person, verdict, channel, at, reason }) => ({
      person: person.name,
      verdict,
      channel,
      at,
      reason: reason && oneLine(reason, 500),
    })),
    current_step: detail.current_step && `${detail.current_step.step} (${detail.current_step.phase})`,
    result: actionResult(detail),
    untrusted_output: text,
    output_truncated: detail.output_truncated || cut,
    untrusted_reason: detail.untrusted_reason,
    ...(objection === null ? {} : { hint: objection }),
  });
  // Where it is too long, the end of the output stays: there it says how it went.
  const lines = clean(detail.untrusted_output).split('\n').reverse();
  const ending = (some: readonly string[]) => withOutput(some.toReversed().join('\n'), some.length < lines.length);
  return ending(
    lines.slice(
      0,
      Math.max(
        1,
        countThatFits(lines, (some) => resultFits(ending(some))),
      ),
    ),
  );
}
