/** What happened to an action, in order, and who decided. */
import type { ActionEvent } from '@countersign/protocol/action-lifecycle';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { stripControl } from '@countersign/protocol/text';
import { ThumbsDown, ThumbsUp } from 'lucide-react';
import { cx } from '../../ui/cx.ts';
import { AtClock, When } from '../../ui/time.tsx';
import { textTone } from '../../ui/tone.ts';
import { KeyName } from '../key-name.tsx';
import { actionLooks, channelWords, strengthWords } from '../states.tsx';

const eventWords: Readonly<Record<string, string>> = {
  propose: 'Asked for',
  approve: 'Approved',
  reject: 'Rejected',
  withdraw: 'Withdrawn',
  expire: 'Expired',
  revoke: 'Denied',
  dispatch: 'Sent to the server',
  start: 'Started',
  refuse: 'Refused',
  lose: 'Contact lost',
  succeed: 'Succeeded',
  fail: 'Failed',
  stop: 'Stopped',
  close: 'Closed',
} satisfies Record<ActionEvent | 'propose', string>;

export function History({ action }: { action: ActionDetail }) {
  return (
    <ol className="space-y-0">
      {action.history.map((entry, at) => {
        const { icon: Icon, tone, word } = actionLooks[entry.to];
        const last = at === action.history.length - 1;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: history only grows at its end
          <li key={at} className="relative flex gap-3 pb-3 text-sm last:pb-0">
            {!last && <span aria-hidden className="absolute top-5 bottom-0 left-2 w-px bg-line-strong" />}
            <Icon aria-hidden className={cx('mt-0.5 size-4 shrink-0', textTone[tone])} />
            <div className="min-w-0 flex-1">
              <span className="font-medium">{eventWords[entry.event] ?? word}</span>{' '}
              <span className="text-dim">by {entry.by}</span>
              {entry.note && <p className="text-dim [overflow-wrap:anywhere]">{stripControl(entry.note)}</p>}
            </div>
            <span className="text-xs text-faint">
              <AtClock at={entry.at} />
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** Who decided, when, and where. */
export function Approvals({ action }: { action: ActionDetail }) {
  return (
    <ul className="space-y-2">
      {action.approvals.map((approval) => {
        const yes = approval.verdict === 'approve';
        const Icon = yes ? ThumbsUp : ThumbsDown;
        return (
          <li key={`${approval.person.id} ${approval.at}`} className="flex gap-2.5 text-sm">
            <Icon aria-hidden className={cx('mt-0.5 size-4 shrink-0', yes ? 'text-ok' : 'text-crit')} />
            <div className="min-w-0">
              <span className="font-medium">
                {yes ? 'Approved' : 'Rejected'} by {approval.person.name}
              </span>{' '}
              <span className="text-dim">
                {channelWords[approval.channel]}, by {strengthWords[approval.strength]}, <When at={approval.at} />
              </span>
              {approval.signed_with && (
                <p className="text-dim">
                  Signed with <KeyName value={approval.signed_with} />
                </p>
              )}
              {approval.reason && <p className="text-dim">“{stripControl(approval.reason)}”</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}
