/** How far the installation of an agent has come: the ladder that people watch. */
import { isoTime } from '@countersign/protocol';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import type { Db } from '../storage/database.ts';
import { ENROLMENT_MS } from './make-enrolment-token.ts';
import { enrolmentSteps, newestEnrolmentToken, type ServerRow } from './server.store.ts';

/** From top to bottom, and what the whole is called when a rung is the highest that was reached. */
const ladder = [
  ['ready', 'ready'],
  ['checked', 'key_verified'],
  ['key_verified', 'key_verified'],
  ['contacted', 'contacted'],
] as const;

export async function enrolmentView(db: Db, now: number, server: ServerRow): Promise<OutputOf<'getEnrolment'>> {
  const steps = await enrolmentSteps(db, server.id);
  const token = await newestEnrolmentToken(db, server.id);
  const expiresAt = token?.expires_at ?? server.created_at + ENROLMENT_MS;
  const reached = ladder.find(([rung]) => steps.some(({ step }) => step === rung))?.[1];
  const order = (rung: string) => ladder.length - ladder.findIndex(([name]) => name === rung);
  return {
    server: { id: server.id, name: server.name },
    state: reached ?? (expiresAt <= now ? 'expired' : 'waiting'),
    steps: steps
      .toSorted((a, b) => order(a.step) - order(b.step))
      .map(({ step, at, note }) => ({ step, at: isoTime(at), note })),
    expires_at: isoTime(expiresAt),
  };
}
