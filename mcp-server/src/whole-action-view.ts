/** One action with all that became of it: votes, result, and the end of what its steps printed, as far as it fits. */
import { z } from 'zod';
import { type ActionWithOutput, actionResult, actionResultSchema, actionSchema, actionView } from './action-view.ts';
import { countThatFits } from './fit.ts';
import { resultFits } from './tool-result.ts';
import { clean, oneLine } from './untrusted.ts';

export const wholeActionSchema = actionSchema.extend({
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

/** `besides` is what belongs to the same answer: it has to fit with the rest. Where all is too long, the end of the output stays: there it says how it went. */
export function wholeActionView<B extends object>(
  detail: ActionWithOutput,
  approveUrl: (actionId: string) => string,
  besides: B,
): z.input<typeof wholeActionSchema> & B {
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
    ...besides,
  });
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
