/** The dashboard's way to the operator API: same origin, session cookie, types and words from the protocol. */
import { Fault } from '@countersign/protocol/errors';
import { NEWEST_EVENT_HEADER } from '@countersign/protocol/live-events';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { newestEvent } from './newest-event.ts';
import { PageFault } from './page-fault.ts';
import { learnServerTime } from './server-time.ts';

const learningFetch: typeof fetch = async (input, init) => {
  const sentAt = Date.now();
  const response = await fetch(input, { ...init, credentials: 'same-origin' });
  // The first answer of a tab is older than all that it shows; from there on, the live stream tells.
  newestEvent.id ??= response.headers.get(NEWEST_EVENT_HEADER);
  learnServerTime(response.headers.get('date'), sentAt, Date.now());
  return response;
};

/** Calls an operation. Rejects with a `Fault` of the catalogue, or `TypeError` when the control plane does not answer. */
export const call = operatorClient({ base: '', fetch: learningFetch });

/** Whether an error is the catalogue's fault with this code. */
export function isFault(error: unknown, code: Fault['code']): boolean {
  return error instanceof Fault && error.code === code;
}

/** What to tell a person about any error: what is wrong, and what to do next. */
export function wordsOf(error: unknown): { message: string; next: string } {
  if (error instanceof Fault) return { message: error.body.message, next: error.body.next_step };
  if (error instanceof PageFault) return { message: error.message, next: error.next };
  if (error instanceof TypeError)
    return { message: 'The control plane does not answer.', next: 'Check that it runs and that you are online.' };
  if (error instanceof Error && 'issues' in error)
    return {
      message: 'The control plane answered in a way that this page does not understand.',
      next: 'Reload the page: the control plane may be newer than it.',
    };
  return { message: String(error), next: 'Reload the page; if it repeats, please report it.' };
}
