/**
 * Asking the person at the client, by MCP elicitation, about an action that waits. Two forms (design.md, section 8):
 * - the page: a URL that the client opens, where the person signs in and decides. The answer itself decides nothing.
 * - the form: an answer in the client. No proof of a human, so only where the control plane lets it count.
 * Declined, cancelled, not supported or not answered: the action simply stays pending.
 */
import { Fault } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  type ElicitRequestFormParams,
  type InputRequiredResult,
  inputRequired,
  inputResponse,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { AskedActions, AskedState } from './asked-actions.ts';

export type Verdict = 'approve' | 'reject';

/** Lets an answer in a form count. Only the control plane itself can offer this; nothing that goes over the network can. */
export interface FormAnswers {
  /** The words of the form, made from the plan; null when this action cannot be decided by a form. */
  readonly question: (action: ActionDetail) => Promise<string | null>;
  /** Enters the verdict, as channel `ide` and strength `form`. Rejects with a catalogue fault when it does not count. */
  readonly decideByForm: (actionId: string, digest: string, verdict: Verdict) => Promise<void>;
}

/** A prompt that is shown while a call waits. */
export interface OpenPrompt {
  /** Takes it back; safe to call after it was answered. */
  readonly close: () => void;
}

export interface Prompt {
  /**
   * Asks about an action that awaits approval, once. In the 2026 era the result is what the tool has to return: the client
   * asks and calls again. In a session the question is shown while the tool goes on. Null: nobody is asked.
   */
  readonly ask: (action: ActionDetail) => Promise<InputRequiredResult | OpenPrompt | null>;
  /** Why an answer that was given did not count; null when none was given, or it did. */
  readonly objection: () => string | null;
}

/** For clients and transports without prompts. */
export const noPrompt: Prompt = { ask: async () => null, objection: () => null };

interface PromptParts {
  readonly mcp: McpServer;
  readonly ctx: ServerContext;
  readonly era: 'legacy' | 'modern';
  readonly approveUrl: (actionId: string) => string;
  readonly asked: AskedActions;
  readonly forms: FormAnswers | undefined;
  /** Takes errors of a prompt; none of them fails the call. */
  readonly onError: (error: unknown) => void;
}

type Question =
  | { readonly kind: 'url'; readonly message: string; readonly url: string }
  | { readonly kind: 'form'; readonly message: string };

const KEY = 'decision';
const decisionSchema = z.object({ decision: z.enum(['approve', 'reject']) });
const requestedSchema: ElicitRequestFormParams['requestedSchema'] = {
  type: 'object',
  properties: { decision: { type: 'string', title: 'Decision', enum: ['approve', 'reject'] } },
  required: ['decision'],
};

/** How long a question may stay open; the wait of the call ends before it. */
const OPEN_MS = 120_000;

export function promptFor(parts: PromptParts): Prompt {
  const { ctx, asked, era } = parts;
  const caller = ctx.http?.authInfo?.clientId ?? '';
  let objection: string | null = null;
  const enter: Enter = async (action, verdict) => {
    await parts.forms?.decideByForm(action.id, action.digest, verdict).catch((error: unknown) => {
      if (error instanceof Fault) objection = `The answer in the form did not count: ${error.message}`;
      else parts.onError(error);
    });
  };
  return {
    objection: () => objection,
    ask: async (action) => {
      const responses = ctx.mcpReq.inputResponses;
      if (era === 'modern' && inputResponse(responses, KEY).kind !== 'missing') {
        asked.add(caller, action.id);
        const verdict = verdictIn(ctx, action);
        if (verdict) await enter(action, verdict);
        return null;
      }
      if (asked.has(caller, action.id)) return null;
      const question = await chooseQuestion(parts, action);
      if (question === null) return null;
      if (era === 'modern') return askOnRetry(parts, action, question);
      return askNow(parts, action, question, { answered: () => asked.add(caller, action.id), enter });
    },
  };
}

type Enter = (action: ActionDetail, verdict: Verdict) => Promise<void>;

async function chooseQuestion(parts: PromptParts, action: ActionDetail): Promise<Question | null> {
  const { forms, approveUrl } = parts;
  const can = elicitationOf(parts);
  if (can === undefined) return null;
  const takesForms = can.form !== undefined || can.url === undefined; // a bare `{}` means forms: 2025-06-18
  const words = takesForms ? ((await forms?.question(action)) ?? null) : null;
  if (words !== null) return { kind: 'form', message: words };
  if (can.url === undefined) return null;
  const message = `${action.title} (${action.fingerprint}) waits for your decision. Open its approval page?`;
  return { kind: 'url', message, url: approveUrl(action.id) };
}

interface Elicitation {
  readonly form?: unknown;
  readonly url?: unknown;
}

const capabilitiesSchema = z.object({
  elicitation: z.object({ form: z.unknown(), url: z.unknown() }).partial().optional(),
});

/** What the client can ask. In the 2026 era each request says it (by stdio the accessor does not know), before that `initialize` did. */
function elicitationOf({ mcp, ctx }: PromptParts): Elicitation | undefined {
  const said = (ctx.mcpReq.envelope as Record<string, unknown> | undefined)?.[CLIENT_CAPABILITIES_META_KEY];
  return elicitationIn(said ?? mcp.server.getClientCapabilities());
}

/** Whether a client of the 2026 era lets its person be asked. */
export function canAsk(envelope: Readonly<Record<string, unknown>>): boolean {
  return elicitationIn(envelope[CLIENT_CAPABILITIES_META_KEY]) !== undefined;
}

const elicitationIn = (capabilities: unknown): Elicitation | undefined =>
  capabilitiesSchema.safeParse(capabilities).data?.elicitation;

async function askOnRetry(
  { asked, ctx }: PromptParts,
  action: ActionDetail,
  question: Question,
): Promise<InputRequiredResult> {
  const state: AskedState = { action: action.id, digest: action.digest, kind: question.kind };
  const request =
    question.kind === 'form'
      ? inputRequired.elicit({ mode: 'form', message: question.message, requestedSchema })
      : inputRequired.elicitUrl({ message: question.message, url: question.url });
  return inputRequired({ inputRequests: { [KEY]: request }, requestState: await asked.codec.mint(state, ctx) });
}

/** The verdict that came back: only as the answer to a form that was asked here, about this digest. */
function verdictIn(ctx: ServerContext, action: ActionDetail): Verdict | undefined {
  const state = ctx.mcpReq.requestState<AskedState>();
  if (state?.kind !== 'form' || state.action !== action.id || state.digest !== action.digest) return undefined;
  return acceptedContent(ctx.mcpReq.inputResponses, KEY, decisionSchema)?.decision;
}

function askNow(
  { ctx, onError }: PromptParts,
  action: ActionDetail,
  question: Question,
  { answered, enter }: { readonly answered: () => void; readonly enter: Enter },
): OpenPrompt {
  const closing = new AbortController();
  const options = { timeout: OPEN_MS, signal: AbortSignal.any([closing.signal, ctx.mcpReq.signal]) };
  const params =
    question.kind === 'form'
      ? ({ mode: 'form', message: question.message, requestedSchema } as const)
      : ({ mode: 'url', message: question.message, url: question.url, elicitationId: action.id } as const);
  ctx.mcpReq
    .elicitInput(params, options)
    .then(async ({ action: answer, content }) => {
      answered();
      const accepted = decisionSchema.safeParse(content);
      if (question.kind === 'form' && answer === 'accept' && accepted.success)
        await enter(action, accepted.data.decision);
    })
    .catch((error: unknown) => {
      if (closing.signal.aborted || ctx.mcpReq.signal.aborted) return;
      answered(); // a client that cannot ask after all is not asked again and again
      onError(error);
    });
  return { close: () => closing.abort() };
}
