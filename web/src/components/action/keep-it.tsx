/**
 * After a change that could have locked everybody out: the server takes it back by itself unless somebody confirms in time that
 * it can still be reached.
 */
import { confirmationValue } from '@countersign/protocol/confirmation-value';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { Fingerprint, ShieldCheck, TimerReset } from 'lucide-react';
import { call } from '../../api/client.ts';
import { useWork } from '../../api/queries.ts';
import { useMay } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { AtClock } from '../../ui/time.tsx';
import { FaultNotice } from '../fault-notice.tsx';
import { Countdown, useLeft } from './expiry.tsx';
import { SignElsewhere } from './sign-elsewhere.tsx';
import { ownDigest, signValue, useSigning } from './signing.ts';

export function KeepIt({ action, confirmBy }: { action: ActionDetail; confirmBy: string }) {
  const may = useMay('approver');
  const signing = useSigning(action);
  const locked = signing.lock !== null;
  const left = useLeft(confirmBy) ?? 0;
  const confirm = useWork(async () => {
    if (!locked) return call('confirmAction', { action: action.id });
    const value = confirmationValue(action.id, await ownDigest(action));
    const { signature } = await signValue(value, signing);
    return call('confirmAction', { action: action.id, signature });
  }, ['getAction', 'listActions', 'getOverview']);
  return (
    <section
      aria-label="Confirm that the server can be reached"
      className="rounded-xl border-2 border-warn bg-warn-soft px-4 py-4"
    >
      <div className="flex gap-3">
        <TimerReset aria-hidden className="mt-1 size-6 shrink-0 text-warn" />
        <div className="min-w-0 flex-1 space-y-3">
          <div>
            <p className="text-lg font-semibold tracking-tight">
              {left <= 0 ? (
                'The time is over: the server takes it back.'
              ) : (
                <>
                  Taken back at <AtClock at={confirmBy} /> unless you confirm
                </>
              )}
            </p>
            {left > 0 && <Countdown expiresAt={confirmBy} className="text-2xl font-semibold tabular-nums" words />}
          </div>
          <p className="text-sm">
            It is done, and the agent still answers. But {action.plan.confirm?.because}. Check now, on a new connection,
            that you can reach {action.server.name}. When in doubt, do nothing: it is taken back by itself.
          </p>
          <FaultNotice error={confirm.error} />
          {confirm.isSuccess && <p className="text-sm font-medium">You have confirmed; the server is being told.</p>}
          {may && left > 0 && !confirm.isSuccess && (!locked || signing.why === null) && (
            <Button
              kind="primary"
              size="lg"
              icon={locked ? Fingerprint : ShieldCheck}
              busy={confirm.isPending}
              onClick={() => confirm.mutate(undefined)}
              className="max-sm:w-full"
            >
              {locked ? 'I can reach it: keep it (passkey)' : 'I can reach it: keep it'}
            </Button>
          )}
          {may && locked && signing.why && (
            <SignElsewhere
              why={signing.why}
              command={`countersign confirm ${action.id} --key FILE`}
              signing={signing}
            />
          )}
          {!may && <p className="text-sm text-dim">Approvers and owners can confirm.</p>}
        </div>
      </div>
    </section>
  );
}
