/** What an action keeps of those who confirmed that its server can still be reached. Pure. */
import type { ApproverSignature } from '@countersign/protocol';
import type { ActionTable } from '../storage/tables.ts';
import type { CurrentStep } from './record-step.ts';

export interface Confirmation {
  readonly person: { readonly id: string; readonly name: string };
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Null where the server has no lock. */
  readonly signature: ApproverSignature | null;
}

export interface Confirmations {
  readonly given: readonly Confirmation[];
  readonly needed: number;
  /** Whether there are enough, so that the server is told. */
  readonly complete: boolean;
}

export function confirmationsOf({ confirm_json }: Pick<ActionTable, 'confirm_json'>): Confirmations {
  return confirm_json === null
    ? { given: [], needed: 1, complete: false }
    : (JSON.parse(confirm_json) as Confirmations);
}

/** Whether all is done on the server and it waits to be told that it can still be reached. */
export function isConfirming({ state, current_step_json }: Pick<ActionTable, 'state' | 'current_step_json'>): boolean {
  return (
    state === 'running' &&
    current_step_json !== null &&
    (JSON.parse(current_step_json) as CurrentStep).phase === 'confirming'
  );
}
