/**
 * The lifecycle of an action: one table. The control plane enforces it, the database knows its pairs, the dashboard derives
 * buttons and badges from it, and the diagram in the docs is generated from it. Source: design.md, section 4.
 */
import { z } from 'zod';

export const actionStates = [
  'awaiting_approval',
  'approved',
  'denied',
  'rejected',
  'withdrawn',
  'expired',
  'dispatched',
  'running',
  'refused',
  'unknown',
  'succeeded',
  'failed',
  'stopped',
] as const;
export const actionStateSchema = z.enum(actionStates);
export type ActionState = z.infer<typeof actionStateSchema>;

export const actionEvents = [
  'approve',
  'reject',
  'withdraw',
  'expire',
  'revoke',
  'dispatch',
  'start',
  'refuse',
  'lose',
  'succeed',
  'fail',
  'stop',
  'close',
] as const;
export type ActionEvent = (typeof actionEvents)[number];

/** Who may cause an event. `person` is a human who may decide; `requester` the one who asked. */
export type Cause = 'person' | 'requester' | 'clock' | 'policy' | 'system' | 'runner';

export interface Transition {
  readonly from: ActionState;
  readonly event: ActionEvent;
  readonly to: ActionState;
  readonly by: Cause;
}

/** Where an action can begin, by what policy says of the request. */
export const firstStates = { ask: 'awaiting_approval', allow: 'approved', deny: 'denied' } as const satisfies Record<
  string,
  ActionState
>;

export const transitions: readonly Transition[] = [
  { from: 'awaiting_approval', event: 'approve', to: 'approved', by: 'person' },
  { from: 'awaiting_approval', event: 'reject', to: 'rejected', by: 'person' },
  { from: 'awaiting_approval', event: 'withdraw', to: 'withdrawn', by: 'requester' },
  { from: 'approved', event: 'withdraw', to: 'withdrawn', by: 'requester' },
  { from: 'awaiting_approval', event: 'withdraw', to: 'withdrawn', by: 'person' },
  { from: 'approved', event: 'withdraw', to: 'withdrawn', by: 'person' },
  { from: 'awaiting_approval', event: 'expire', to: 'expired', by: 'clock' },
  { from: 'approved', event: 'expire', to: 'expired', by: 'clock' },
  { from: 'approved', event: 'revoke', to: 'denied', by: 'policy' },
  { from: 'approved', event: 'dispatch', to: 'dispatched', by: 'system' },
  { from: 'dispatched', event: 'start', to: 'running', by: 'runner' },
  { from: 'dispatched', event: 'refuse', to: 'refused', by: 'runner' },
  { from: 'dispatched', event: 'lose', to: 'unknown', by: 'clock' },
  { from: 'running', event: 'lose', to: 'unknown', by: 'clock' },
  { from: 'running', event: 'succeed', to: 'succeeded', by: 'runner' },
  { from: 'running', event: 'fail', to: 'failed', by: 'runner' },
  { from: 'running', event: 'stop', to: 'stopped', by: 'runner' },
  { from: 'unknown', event: 'succeed', to: 'succeeded', by: 'runner' },
  { from: 'unknown', event: 'fail', to: 'failed', by: 'runner' },
  { from: 'unknown', event: 'stop', to: 'stopped', by: 'runner' },
  { from: 'unknown', event: 'refuse', to: 'refused', by: 'runner' },
  { from: 'unknown', event: 'close', to: 'failed', by: 'person' },
];

/** Where an event leads from a state, or `undefined` when the table does not allow it. */
export function nextState(from: ActionState, event: ActionEvent): ActionState | undefined {
  return transitions.find((transition) => transition.from === from && transition.event === event)?.to;
}

/** The events that a cause can bring about in a state: what buttons to show. */
export function eventsFor(state: ActionState, by: Cause): ActionEvent[] {
  return transitions
    .filter((transition) => transition.from === state && transition.by === by)
    .map(({ event }) => event);
}

/** Whether nothing can happen to an action any more. */
export function isFinal(state: ActionState): boolean {
  return !transitions.some((transition) => transition.from === state);
}

/** Whether a repeated request of the same caller should get this action back rather than a new one. */
export function isOpen(state: ActionState): boolean {
  return state === 'awaiting_approval' || state === 'approved' || state === 'dispatched' || state === 'running';
}
