/** Binds the key of an agent to a server, with a one-use enrolment token. */
import { fault } from '@countersign/protocol';
import { peekOneUseSecret, useOneUseSecret } from '../access/one-use.ts';
import { appendEntry, whoIs } from '../audit/ledger.ts';
import type { Core } from '../ports.ts';
import { addToTimeline } from '../storage/timeline.ts';
import { write } from '../storage/write.ts';
import type { Hello } from './handshake.ts';
import {
  bindKey,
  clearEnrolmentSteps,
  type ServerRow,
  saveEnrolmentStep,
  serverById,
  serverByKey,
} from './server.store.ts';

type Deps = Pick<Core, 'db' | 'clock' | 'live'>;

export interface Enrolment {
  readonly token: string;
  /** The key that the agent proved to hold. */
  readonly publicKey: string;
  readonly hello: Pick<Hello, 'agentVersion' | 'facts'>;
  readonly ip: string;
}

/**
 * Uses the token up and binds the key, in one transaction. A server that was enrolled before gets the new key instead.
 * Rejects with `enrolment_token_invalid`, or `agent_unproven` when the key belongs to another server; then the token still works.
 */
export async function enrol(deps: Deps, enrolment: Enrolment): Promise<ServerRow> {
  const { publicKey, token, hello, ip } = enrolment;
  const server = await write(deps.db, 'fleet.enrol', async (trx) => {
    const now = deps.clock.now();
    const peeked = await peekOneUseSecret(trx, deps, { purpose: 'enrolment', secret: token });
    const meant = peeked?.subjectId ? await serverById(trx, peeked.subjectId) : undefined;
    if (meant === undefined || meant.state === 'revoked') throw fault('enrolment_token_invalid');
    const present = await serverByKey(trx, publicKey);
    if (present !== undefined && present.id !== meant.id)
      throw fault('agent_unproven', { reason: `its key belongs to server ${present.name}; remove that one first` });
    if ((await useOneUseSecret(trx, deps, { purpose: 'enrolment', secret: token })) === null)
      throw fault('enrolment_token_invalid');
    await bindKey(trx, meant.id, publicKey, now);
    await clearEnrolmentSteps(trx, meant.id);
    const rung = (step: 'contacted' | 'key_verified', note: string) =>
      saveEnrolmentStep(trx, { server_id: meant.id, step, at: now, note });
    await rung('contacted', `from ${ip}`);
    await rung('key_verified', publicKey);
    await appendEntry(trx, {
      event: 'server.enrolled',
      at: now,
      who: whoIs('agent', ip),
      serverId: meant.id,
      details: { public_key: publicKey, agent_version: hello.agentVersion, hostname: hello.facts.hostname },
    });
    await addToTimeline(trx, { at: now, kind: 'server', title: `${meant.name} was enrolled`, serverId: meant.id });
    return (await serverById(trx, meant.id)) ?? meant;
  });
  deps.live.publish({ type: 'enrolment', server: server.id, step: 'key_verified' });
  return server;
}
