/** Frames of a control plane, to be bent: a valid message of each type, and what a bent one does to the connection. */
import type { PlanDraft, SignedGrant } from '@countersign/protocol';
import { decodeFromControlPlane } from '@countersign/protocol/agent-wire/codec';
import { thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import { LEVEL } from '@countersign/protocol/agent-wire/level';
import type { FromControlPlane } from '@countersign/protocol/agent-wire/messages';

const thresholds = thresholdsSchema.parse({});
const requestId = 'req_000000000000';

/** A valid message of each type. */
export function messagesWith(grant: SignedGrant, draft: PlanDraft): FromControlPlane[] {
  const { actionId, plan, approvals } = grant.grant;
  const ending = {
    format: 'countersign-lock-change/1',
    before: 'a'.repeat(64),
    at: 0,
    change: { kind: 'disable', secret: 'x'.repeat(30) },
  } as const;
  return [
    { type: 'challenge', level: LEVEL, nonce: 'A'.repeat(43), key: grant.key, signature: 'A'.repeat(86) },
    { type: 'welcome', serverId: plan.server.id, serverName: 'x', clock: 0, heartbeatMs: 1, thresholds },
    { type: 'turned_away', fault: { code: 'server_revoked', slots: {} } },
    { type: 'observe', requestId, capability: 'unit.state', parameters: { unit: 'nginx' }, timeoutMs: 1000 },
    { type: 'preview', requestId, draft, timeoutMs: 1000 },
    { type: 'cancel', requestId },
    { type: 'dispatch', grant },
    { type: 'stop', actionId },
    { type: 'acknowledge', seq: 0 },
    { type: 'settings', thresholds },
    { type: 'lock_changes', changes: [{ change: ending, signatures: [] }] },
    { type: 'confirm', actionId, signatures: approvals.flatMap(({ signature }) => signature ?? []) },
    { type: 'checkpoint', note: 'countersign/checkpoint/v1\n9\n' },
    { type: 'ask_witness', requestId, timeoutMs: 1000 },
  ];
}

const endsTalk = new Set(['challenge', 'welcome', 'turned_away']);

/** Whether a connection goes on after a frame: what names a request or a grant is answered, and a newer level is no error. */
export function goesOnAfter(frame: string): boolean {
  const decoded = decodeFromControlPlane(frame);
  if (decoded.outcome === 'ok') return !endsTalk.has(decoded.message.type);
  if (decoded.outcome === 'not_at_this_level') return true;
  return (
    /"requestId":"req_[0-9a-z]{12}"/.test(frame) || /"type":"dispatch".*?"actionId":"act_[0-9a-z]{12}"/.test(frame)
  );
}
