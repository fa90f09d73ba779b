/** What a control plane does between question and dispatch: the preview, and a grant of it. */
import assert from 'node:assert/strict';
import type { PlanDraft, SignedGrant } from '@countersign/protocol';
import { grantOf, newActionId } from '../run/bed.ts';
import type { ControlPlane, Peer } from './control-plane.ts';

/** For requests: a runner needs seconds to start on a busy machine. */
export const TIMEOUT_MS = 30_000;

/** Has the server preview a draft and grants the plan, bent as `grantOf` bends. */
export async function grantFor(
  controlPlane: ControlPlane,
  peer: Peer,
  draft: PlanDraft,
  bend: Parameters<typeof grantOf>[2] = { actionId: newActionId() },
): Promise<SignedGrant> {
  const answer = await peer.ask({ type: 'preview', draft, timeoutMs: TIMEOUT_MS });
  assert.equal(answer.type, 'previewed', JSON.stringify(answer));
  const plan = { ...draft, preview: (answer as Extract<typeof answer, { type: 'previewed' }>).preview };
  return grantOf({ clock: Date as never, key: controlPlane.key }, plan, bend);
}
