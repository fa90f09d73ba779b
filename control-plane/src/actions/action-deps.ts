/** What the use cases of this folder are handed. Each takes only the part that it touches. */

import type { Playbook } from '@countersign/playbooks';
import type { RelyingParty } from '@countersign/protocol';
import type { SigningKey } from '@countersign/protocol/signing';
import type { PolicyBook } from '../policy/policy-book.ts';
import type { ApprovalChannel, Core, Fleet } from '../ports.ts';
import type { Followers } from './followers.ts';

export interface ActionLimits {
  /** How many requests of one credential may wait for a decision. */
  readonly pendingMost: number;
  /** After so many rejections within `coolDownMs` a token may ask for nothing for as long. */
  readonly rejectionsMost: number;
  readonly coolDownMs: number;
  /** A retried request gets the same action for so long, milliseconds. */
  readonly repeatMs: number;
  /** How long after its approval an action may start, milliseconds. */
  readonly startWindowMs: number;
  /** Above this the clock of a server is too wrong for changes, milliseconds. */
  readonly clockOffsetMostMs: number;
  /** A grant that was not answered is sent again after so long, milliseconds. */
  readonly resendMs: number;
  /** After so long without news from an offline server the outcome is not known, milliseconds. */
  readonly loseAfterMs: number;
  /** So often in a row is a change asked for again by itself, since the state had drifted. */
  readonly askAgainMost: number;
  /** It is tried for so long after the refusal, milliseconds. */
  readonly askAgainMs: number;
  /** Output kept per step, characters. */
  readonly outputPerStep: number;
  /** Output is forgotten so long after its action ended, milliseconds. */
  readonly outputKeptMs: number;
}

export const actionLimits: ActionLimits = {
  pendingMost: 10,
  rejectionsMost: 3,
  coolDownMs: 10 * 60_000,
  repeatMs: 10 * 60_000,
  startWindowMs: 2 * 60_000,
  clockOffsetMostMs: 60_000,
  resendMs: 10_000,
  loseAfterMs: 2 * 60_000,
  askAgainMost: 3,
  askAgainMs: 5 * 60_000,
  outputPerStep: 1024 * 1024,
  outputKeptMs: 30 * 86_400_000,
};

export interface ActionDeps extends Core {
  readonly fleet: Pick<Fleet, 'isOnline' | 'preview' | 'foretell' | 'dispatch' | 'stop' | 'confirm'>;
  readonly policy: PolicyBook;
  readonly playbooks: ReadonlyMap<string, Playbook>;
  /** The ways to ask people. `compose.ts` may add to it after the use cases were made. */
  readonly channels: readonly ApprovalChannel[];
  readonly followers: Followers;
  /** The control plane's own key: it signs grants. */
  readonly key: SigningKey;
  readonly limits: ActionLimits;
  /** The site that passkeys are for; null where they do not work. */
  readonly party: () => RelyingParty | null;
}
