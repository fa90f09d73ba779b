/** Writes down when the control plane began and ended: a gap in the log that nobody ordered is seen. */
import type { Core } from '../ports.ts';
import { write } from '../storage/write.ts';
import { appendEntry, whoIs } from './ledger.ts';

/** `by`: the running version and the control plane's public key. */
export function noteStarted(
  { db, clock }: Core,
  by: { readonly version: string; readonly key: string },
): Promise<void> {
  return write(db, 'audit.note_started', async (trx) => {
    await appendEntry(trx, {
      event: 'control_plane.started',
      at: clock.now(),
      who: whoIs('system'),
      details: { version: by.version, key: by.key },
    });
  });
}

export function noteStopped({ db, clock }: Core): Promise<void> {
  return write(db, 'audit.note_stopped', async (trx) => {
    await appendEntry(trx, { event: 'control_plane.stopped', at: clock.now(), who: whoIs('system') });
  });
}
