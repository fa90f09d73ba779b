/** What one tool is. Safety is required by the type, so that no tool can forget to say what it does. */
import { type Clock, invalidInput } from '@countersign/protocol';
import type { AssistantCall } from '@countersign/protocol/operator-api/index';
import type { InputRequiredResult, StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import type { z } from 'zod';
import { advertise } from './advertise.ts';
import type { Prompt } from './prompt.ts';

/** What clients derive their own questions from. Source: MCP specification, ToolAnnotations. */
export interface Safety {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** A tool that reads. */
export const reads: Safety = {
  readOnlyHint: true,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/**
 * A tool that asks for a change. Not destructive, since a human decides and the same request twice is one action: Codex
 * runs such tools without a question of its own, which would be a second approval that protects nothing.
 */
export const asks: Safety = {
  readOnlyHint: false,
  destructiveHint: false,
  idempotentHint: true,
  openWorldHint: false,
};

/** What a tool may use while it runs. */
export interface ToolContext {
  readonly call: AssistantCall;
  readonly clock: Clock;
  /** Aborted when the client gave the call up. */
  readonly signal: AbortSignal;
  /** Where a human can decide on an action. */
  readonly approveUrl: (actionId: string) => string;
  /** Tells the client that the call is alive; does nothing when the client did not ask for it. Seconds. */
  readonly progress: (done: number, total: number, message: string) => Promise<void>;
  readonly prompt: Prompt;
}

export interface ToolDefinition<I extends z.ZodObject, O extends z.ZodObject> {
  readonly name: string;
  readonly title: string;
  /** Short, with the words that people use: code-mode clients search it. */
  readonly description: string;
  /** The least scope of a token that sees it. */
  readonly scope: 'read' | 'request';
  readonly annotations: Safety;
  readonly input: I;
  readonly output: O;
  /** How to ask for less, for the hint when a result had to be cut. */
  readonly narrow: string;
  /** Whether it may ask the person at the client, by {@link ToolContext.prompt}; absent: never. */
  readonly prompts?: true;
  readonly run: (input: z.output<I>, context: ToolContext) => Promise<z.input<O> | InputRequiredResult>;
}

/** A tool of the catalogue, with its types closed over. */
export interface Tool extends Omit<ToolDefinition<z.ZodObject, z.ZodObject>, 'input' | 'output' | 'run'> {
  readonly inputSchema: StandardSchemaWithJSON<unknown, unknown>;
  readonly outputSchema: StandardSchemaWithJSON<unknown, unknown>;
  /** Throws for a structure of another shape than the tool promises. */
  readonly holdToPromise: (structure: unknown) => void;
  /** Parses the arguments and carries the tool out. Rejects with the `invalid_input` fault for wrong arguments. */
  readonly handle: (args: unknown, context: ToolContext) => Promise<object | InputRequiredResult>;
}

export function defineTool<I extends z.ZodObject, O extends z.ZodObject>(definition: ToolDefinition<I, O>): Tool {
  const { input, output, run, ...rest } = definition;
  return {
    ...rest,
    inputSchema: advertise(input, 'input'),
    outputSchema: advertise(output, 'output'),
    holdToPromise: (structure) => void output.parse(structure),
    handle: async (args, context) => {
      const parsed = input.safeParse(args ?? {});
      if (!parsed.success) throw invalidInput(parsed.error);
      return run(parsed.data, context);
    },
  };
}
