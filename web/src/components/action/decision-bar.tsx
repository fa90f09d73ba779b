/** Reject · Approve once · Approve with passkey, always within reach. Nothing changes on the screen before the control plane has said so. */

import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { fingerprint } from '@countersign/protocol/plan';
import { Check, Fingerprint, KeyRound, X } from 'lucide-react';
import { useMay, useMe } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { useKeys } from '../../ui/keys.ts';
import { FaultNotice } from '../fault-notice.tsx';
import { channelWords } from '../states.tsx';
import { ApproveDialog, asksMore, mustSign } from './approve-dialog.tsx';
import { Countdown, useLeft } from './expiry.tsx';
import { RejectDialog } from './reject-dialog.tsx';
import { SignElsewhere } from './sign-elsewhere.tsx';
import { useDigestCheck, useSigning } from './signing.ts';
import { useApprove } from './use-approve.ts';

export type Asking = 'approve' | 'reject' | null;

interface DecisionBarProps {
  action: ActionDetail;
  asking: Asking;
  onAsk: (asking: Asking) => void;
}

/** Why this person cannot approve here; null when nothing speaks against it. */
function useObstacle(action: ActionDetail): string | null {
  const { person } = useMe();
  const may = useMay('approver');
  const digest = useDigestCheck(action);
  const { from, channels } = action.policy;
  if (digest === 'differs') return 'The fingerprint is not that of the plan on this page: do not approve it.';
  if (!may) return `You are a ${person.role}: approvers and owners decide.`;
  if (!from.includes(person.role)) return `By the policy only ${from.join(' or ')} decides on this.`;
  if (!channels.includes('web'))
    return `By the policy this is decided ${channels.map((channel) => channelWords[channel]).join(' or ')} only.`;
  if (action.approvals.some((approval) => approval.person.id === person.id && approval.verdict === 'approve'))
    return `You have approved. It waits for ${action.approvals_needed - action.approvals_given} more.`;
  return null;
}

/** Asked by a signed-in person rather than by an assistant's token. */
const askedBySelf = ({ requested_by: { person, token } }: ActionDetail, me: string) =>
  token === null && person.id === me;

export function DecisionBar({ action, asking, onAsk }: DecisionBarProps) {
  const approve = useApprove(action);
  const signing = useSigning(action);
  const may = useMay('approver');
  const { person } = useMe();
  const obstacle = useObstacle(action);
  const over = (useLeft(action.expires_at) ?? 1) <= 0;
  const signsOnly = mustSign(action, signing);
  const unsigned = signsOnly && signing.why !== null;
  const canApprove = obstacle === null && !over && !unsigned;
  useKeys({
    ...(canApprove ? { a: () => onAsk('approve') } : {}),
    ...(may && !over ? { r: () => onAsk('reject') } : {}),
  });
  const passkeyButton = {
    icon: Fingerprint,
    busy: approve.isPending,
    disabled: over,
    onClick: () => approve.mutate({ signing }),
  };
  return (
    <div className="sticky bottom-14 z-10 -mx-4 border-t border-line bg-surface px-4 py-3 sm:mx-0 sm:rounded-xl sm:border sm:shadow-float lg:bottom-4">
      {approve.error && asking === null && (
        <div className="mb-3">
          <FaultNotice error={approve.error} />
        </div>
      )}
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2.5">
        <p className="flex items-center gap-x-3 text-sm text-dim">
          <span className="flex items-center gap-1 font-mono font-semibold text-ink">
            <KeyRound aria-label="Fingerprint" role="img" className="size-4 text-faint" />
            {fingerprint(action.digest)}
          </span>
          {action.expires_at && <Countdown expiresAt={action.expires_at} words />}
          {action.approvals_needed > 1 && (
            <span>
              {action.approvals_given} of {action.approvals_needed} approved
            </span>
          )}
        </p>
        {may && (
          <div className="flex flex-1 flex-wrap gap-2 sm:flex-none">
            <Button size="lg" kind="danger" icon={X} disabled={over} onClick={() => onAsk('reject')} hotkey="r">
              Reject
            </Button>
            {obstacle === null && !unsigned && signsOnly && (
              <Button {...passkeyButton} size="lg" kind="primary" hotkey="a" className="flex-1">
                Approve with passkey
              </Button>
            )}
            {obstacle === null && !signsOnly && (
              <>
                <Button
                  size="lg"
                  kind="primary"
                  icon={Check}
                  busy={approve.isPending}
                  disabled={over}
                  onClick={() => (asksMore(action) ? onAsk('approve') : approve.mutate({}))}
                  hotkey="a"
                  className="flex-1"
                >
                  Approve once
                </Button>
                {signing.why === null && (
                  <Button {...passkeyButton} size="lg" className="max-sm:w-full">
                    Approve + passkey
                  </Button>
                )}
              </>
            )}
          </div>
        )}
      </div>
      {obstacle === null && may && askedBySelf(action, person.id) && (
        <p className="mt-2 text-sm text-dim">
          You asked for this yourself: the session that asked cannot approve. Use Telegram, the command line or another
          browser.
        </p>
      )}
      {obstacle && <p className="mt-2 text-sm text-dim">{obstacle}</p>}
      {obstacle === null && may && unsigned && signing.why && (
        <SignElsewhere why={signing.why} command={`countersign approve ${action.id} --key FILE`} signing={signing} />
      )}
      {asking === 'approve' && canApprove && (
        <ApproveDialog action={action} signing={signing} onClose={() => onAsk(null)} />
      )}
      {asking === 'reject' && <RejectDialog action={action} onClose={() => onAsk(null)} />}
    </div>
  );
}
