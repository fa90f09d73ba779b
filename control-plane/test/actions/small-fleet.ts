/** Servers as the use cases see them: a small implementation of the port that keeps what it was handed. */
import {
  type ApproverSignature,
  capability,
  fault,
  type PlanDraft,
  type Preview,
  type SignedGrant,
} from '@countersign/protocol';
import type { Fleet } from '../../src/ports.ts';

export class SmallFleet
  implements Pick<Fleet, 'isOnline' | 'preview' | 'foretell' | 'dispatch' | 'stop' | 'confirm' | 'observe'>
{
  readonly online = new Set<string>();
  readonly grants: SignedGrant[] = [];
  readonly stops: string[] = [];
  readonly confirmations: { actionId: string; signatures: readonly ApproverSignature[] }[] = [];
  readonly drafts: PlanDraft[] = [];
  /** What a server says of a plan. Replace it to have it refuse, or to hold the answer back. */
  answer: (draft: PlanDraft) => Promise<Preview> = async (draft) => previewOf(draft);
  /** Called before a grant counts as handed over. */
  beforeDispatch: () => Promise<void> = async () => undefined;
  observe: Fleet['observe'] = () => Promise.reject(new Error('this test observes nothing'));

  isOnline(serverId: string): boolean {
    return this.online.has(serverId);
  }

  preview(serverId: string, draft: PlanDraft, signal?: AbortSignal): Promise<Preview> {
    signal?.throwIfAborted();
    if (!this.isOnline(serverId)) throw fault('server_offline', { server: serverId, since: 'then' });
    this.drafts.push(draft);
    return this.answer(draft);
  }

  /** What is foretold of a plan; nothing unless a test says so. */
  foretell: Fleet['foretell'] = () => null;

  async dispatch(serverId: string, grant: SignedGrant): Promise<void> {
    await this.beforeDispatch();
    if (!this.isOnline(serverId)) throw fault('server_offline', { server: serverId, since: 'then' });
    this.grants.push(grant);
  }

  async stop(_serverId: string, actionId: string): Promise<void> {
    this.stops.push(actionId);
  }

  async confirm(serverId: string, actionId: string, signatures: readonly ApproverSignature[]): Promise<void> {
    if (!this.isOnline(serverId)) throw fault('server_offline', { server: serverId, since: 'then' });
    this.confirmations.push({ actionId, signatures });
  }
}

export function previewOf(draft: PlanDraft): Preview {
  return {
    steps: draft.steps.map((step) => ({
      step: step.id,
      argv: [['/usr/bin/systemctl', 'restart', '--', 'nginx.service']],
      diff: null,
      effects: ['nginx.service is down for about a second'],
      undo: capability(step.capability).undoable ? 'It is as before again.' : null,
    })),
    witness: [{ subject: 'unit nginx.service', property: 'active_state', value: 'active' }],
    predictable: true,
  };
}
