/** Risk and the way back; who asked and which rule demands a decision; the fingerprint. */

import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { fingerprint } from '@countersign/protocol/plan';
import { CircleCheck } from 'lucide-react';
import { CopyIcon } from '../../ui/copy.tsx';
import { Escaped } from '../../ui/escaped.tsx';
import { Facts } from '../../ui/facts.tsx';
import { Notice } from '../../ui/notice.tsx';
import { duration, When } from '../../ui/time.tsx';
import { PlaybookLink } from '../links.tsx';
import { channelWords, RiskBadge, sourceWords, strengthWords } from '../states.tsx';
import { type DigestCheck, useDigestCheck } from './signing.ts';

export function RiskFacts({ action }: { action: ActionDetail }) {
  const undos = action.plan.preview.steps.flatMap(({ step, undo }) => (undo === null ? [] : [{ step, undo }]));
  return (
    <Facts
      rows={[
        ['Risk', <RiskBadge key="risk" risk={action.risk} />],
        [
          'Reversible',
          action.reversible ? 'Yes: when the check fails, it is undone once.' : 'No: it cannot be taken back.',
        ],
        action.plan.confirm
          ? [
              'Dead man’s switch',
              `The server takes it back by itself unless somebody confirms within ${duration(action.plan.confirm.within_ms)} that it can still be reached: ${action.plan.confirm.because}.`,
            ]
          : null,
        [
          'Undo',
          undos.length === 0 ? (
            'None.'
          ) : (
            <ul key="undo" className="space-y-1">
              {undos.map(({ step, undo }) => (
                <li key={step}>
                  <Escaped text={undo} mono={false} />
                </li>
              ))}
            </ul>
          ),
        ],
      ]}
    />
  );
}

const either = (words: readonly string[]) => words.join(', ').replace(/, ([^,]*)$/, ' or $1');

export function AskerFacts({ action }: { action: ActionDetail }) {
  const { person, token, client } = action.requested_by;
  const { rule, why, channels, from, strength } = action.policy;
  return (
    <Facts
      rows={[
        ['Asked by', person.name],
        ['With', token ? `token ${token.name}` : 'a signed-in session'],
        client !== null
          ? [
              'Client',
              <span key="client">
                <Escaped text={client} mono={false} /> <span className="text-faint">(as it calls itself)</span>
              </span>,
            ]
          : null,
        ['When', <When key="when" at={action.requested_at} />],
        [
          'As',
          action.source.kind === 'playbook' ? (
            <span key="as">
              playbook <PlaybookLink id={action.source.id} />, version {action.source.version}
            </span>
          ) : (
            sourceWords[action.source.kind].toLowerCase()
          ),
        ],
        [
          'Policy rule',
          <span key="rule" className="font-medium">
            {rule}
          </span>,
        ],
        ['Why', why],
        action.approvals_needed > 0
          ? [
              'Who may decide',
              `${action.approvals_needed === 1 ? 'One' : action.approvals_needed} ${from.join(' or ')}, ${either(channels.map((channel) => channelWords[channel]))}, with at least ${strengthWords[strength]}.`,
            ]
          : null,
      ]}
    />
  );
}

/** The part of the digest that people compare by eye, the same on every screen. */
export function Fingerprint({ action }: { action: ActionDetail }) {
  const short = fingerprint(action.digest);
  const check = useDigestCheck(action);
  return (
    <div className="text-sm">
      <p className="flex flex-wrap items-center gap-x-3">
        <span className="rounded-lg border border-line bg-sunken px-2.5 py-1 font-mono text-base font-semibold tracking-[0.14em]">
          {short.slice(0, 4)} {short.slice(4)}
        </span>
        <span className="text-dim">The same in Telegram, the IDE and on the command line.</span>
      </p>
      <p className="mt-1.5 flex items-center gap-1 text-xs text-faint">
        <span className="min-w-0 font-mono [overflow-wrap:anywhere]">SHA-256 {action.digest}</span>
        <CopyIcon text={action.digest} label="Copy the digest" />
      </p>
      <DigestVerdict check={check} />
    </div>
  );
}

/** Whether the fingerprint is that of the plan on this page, as this page finds out by itself. */
function DigestVerdict({ check }: { check: DigestCheck }) {
  if (check === 'checking') return null;
  if (check === 'same')
    return (
      <p className="mt-1.5 flex items-center gap-1.5 text-dim">
        <CircleCheck aria-hidden className="size-4 shrink-0 text-ok" /> This page computed it from the plan above: it is
        the same.
      </p>
    );
  return (
    <div className="mt-2">
      {check === 'impossible' ? (
        <Notice title="This page cannot compute it: that takes https, or localhost." />
      ) : (
        <Notice tone="crit" role="alert" title="This is not the fingerprint of the plan above. Do not approve it.">
          The control plane shows one plan and wants another one approved. Tell who runs it.
        </Notice>
      )}
    </div>
  );
}
