/**
 * The operator API: one table of operations. HTTP routes, the OpenAPI document, the MCP tools, the CLI and the dashboard's
 * client are all derived from it, so none of them can say something else than the others.
 */
import type { z } from 'zod';
import { accessOperations } from './access-operations.ts';
import { assistantOperations } from './assistant-operations.ts';
import type { Operation } from './operation.ts';
import { peopleOperations } from './people-operations.ts';
import { playbookOperations } from './playbook-operations.ts';
import { trustOperations } from './trust-operations.ts';

export * from './access-operations.ts';
export * from './assistant-operations.ts';
export * from './diagnosis.ts';
export * from './operation.ts';
export * from './people-operations.ts';
export * from './playbook-operations.ts';
export * from './proof.ts';
export * from './trust-operations.ts';
export * from './views.ts';

export const operations = {
  ...assistantOperations,
  ...accessOperations,
  ...peopleOperations,
  ...playbookOperations,
  ...trustOperations,
};

export type AssistantOperationName = keyof typeof assistantOperations;
export type OperationName = keyof typeof operations;
/** What a caller gives: defaults may be left out. */
export type InputOf<N extends OperationName> = z.input<(typeof operations)[N]['input']>;
/** What a handler receives: parsed, defaults filled in. */
export type ParsedInputOf<N extends OperationName> = z.output<(typeof operations)[N]['input']>;
export type OutputOf<N extends OperationName> = z.output<(typeof operations)[N]['output']>;

export const operationNames = Object.keys(operations) as OperationName[];

/** The declaration of an operation, with its exact types widened. */
export function operationNamed(name: OperationName): Operation {
  return operations[name];
}

/**
 * Calls an operation. The control plane hands out one that is bound to a caller; the CLI, the stdio MCP server and the
 * dashboard make one that goes over HTTP. Rejects with a `Fault`.
 */
export type Call = <N extends OperationName>(name: N, input: InputOf<N>, options?: CallOptions) => Promise<OutputOf<N>>;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /**
   * Of a request for a change: that its answer may as well tell the end, where that comes within so many seconds without a human. Only
   * who runs in the control plane itself is heard; over HTTP it changes nothing.
   */
  readonly soonS?: number;
}

/** The part of {@link Call} that MCP tools may use: nothing in it decides. */
export type AssistantCall = <N extends AssistantOperationName>(
  name: N,
  input: InputOf<N>,
  options?: CallOptions,
) => Promise<OutputOf<N>>;
