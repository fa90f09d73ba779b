/** What came of one call of a tool, whichever way it came in. */
import type { Clock } from '@countersign/protocol';
import type { AssistantCall } from '@countersign/protocol/operator-api/index';
import {
  type AuthInfo,
  type CallToolResult,
  type InputRequiredResult,
  isInputRequiredResult,
  SERVER_INFO_META_KEY,
} from '@modelcontextprotocol/server';
import type { AskedActions } from './asked-actions.ts';
import type { PlainRequest } from './plain-request.ts';
import { type FormAnswers, noPrompt } from './prompt.ts';
import type { Tool, ToolContext } from './tool.ts';
import { failure, success } from './tool-result.ts';

/** One call of a tool, as the outside of the tools sees it. */
export interface ToolCall {
  readonly tool: string;
  /** Name and version that the client gave itself, or null. Data, not proof. */
  readonly client: string | null;
  /** The verified caller of this request, where the transport has one. */
  readonly authInfo: AuthInfo | undefined;
}

/** What tools need of the outside, the same for all callers. */
export interface AnswerOptions {
  readonly version: string;
  /** The operations, for who makes this call. */
  readonly callFor: (call: ToolCall) => AssistantCall;
  readonly clock: Clock;
  readonly approveUrl: (actionId: string) => string;
  /** Prompts in the client; absent: none. Without `formsFor` answers in forms never count. */
  readonly elicit?: {
    readonly asked: AskedActions;
    readonly formsFor?: (call: ToolCall) => FormAnswers;
  };
  /** Told of each call before it runs. Throws a fault to refuse it; what it returns is called when the call ended. */
  readonly onCall?: (call: ToolCall) => () => void;
  /** Takes what is not from the catalogue; returns the reference under which the log has it. */
  readonly report: (error: unknown) => string;
}

/** What the way of a call adds to the context of its tool. */
export type Way = Pick<ToolContext, 'signal' | 'progress' | 'prompt'>;

export const serverInfo = ({ version }: Pick<AnswerOptions, 'version'>) => ({
  name: 'countersign',
  title: 'Countersign',
  version,
});

/** Carries a call out. Never rejects: what goes wrong is a result too. */
export async function answer(
  options: AnswerOptions,
  tool: Tool,
  call: ToolCall,
  args: unknown,
  way: () => Way,
): Promise<CallToolResult | InputRequiredResult> {
  let ended: (() => void) | undefined;
  let signal: AbortSignal | undefined;
  try {
    ended = options.onCall?.(call);
    const { clock, approveUrl } = options;
    const context = { call: options.callFor(call), clock, approveUrl, ...way() };
    ({ signal } = context);
    const result = await tool.handle(args, context);
    if (isInputRequiredResult(result)) return result;
    const said = success(result, tool.narrow);
    tool.holdToPromise(said.structuredContent);
    return said;
  } catch (error) {
    // Nobody reads the answer to a call that was given up, and its end is no error of ours.
    return failure(error, signal?.aborted ? () => 'given up' : options.report);
  } finally {
    ended?.();
  }
}

/** A line to the client of a plain call. */
export interface Line {
  /** Aborted when the client gave the call up. */
  readonly signal: AbortSignal;
  /** Sends a message before the answer. */
  readonly tell: (message: object) => void;
}

/**
 * The message that answers a plain call in the 2026 era, member by member as the SDK's server words it; a test compares them.
 * `call.client` is what the envelope says, which somebody has judged.
 */
export async function answerPlain(
  options: AnswerOptions,
  { id, args, progressToken }: PlainRequest,
  tool: Tool,
  call: ToolCall,
  line: Line,
): Promise<object> {
  const progress: Way['progress'] = async (done, total, message) => {
    if (progressToken === undefined) return;
    const params = { progressToken, progress: done, total, message };
    line.tell({ method: 'notifications/progress', params, jsonrpc: '2.0' });
  };
  const result = await answer(options, tool, call, args, () => ({ signal: line.signal, progress, prompt: noPrompt }));
  const _meta = { [SERVER_INFO_META_KEY]: serverInfo(options) };
  return { result: { ...result, resultType: 'complete', _meta }, jsonrpc: '2.0', id };
}
