/**
 * One action, whole, in the order in which a person judges it: what and where, exactly what runs, with which values, what
 * changes, how risky and how to take it back, who asked and why we ask you, the fingerprint, the deadline; last what the
 * assistant says. Source: people.md, "Approve page order".
 */

import { type ActionState, eventsFor } from '@countersign/protocol/action-lifecycle';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { CircleStop, Undo2 } from 'lucide-react';
import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import { useLiveState } from '../../api/live.ts';
import { query, useOperation } from '../../api/queries.ts';
import { useMay, useMe } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { CopyIcon } from '../../ui/copy.tsx';
import { cx } from '../../ui/cx.ts';
import { When } from '../../ui/time.tsx';
import { FaultNotice } from '../fault-notice.tsx';
import { ServerLink } from '../links.tsx';
import { Loaded } from '../loaded.tsx';
import { ActionStateBadge, RiskBadge } from '../states.tsx';
import { AskedAgain } from './asked-again.tsx';
import { CloseDialog } from './close-dialog.tsx';
import { type Asking, DecisionBar } from './decision-bar.tsx';
import { Expiry } from './expiry.tsx';
import { Approvals, History } from './history.tsx';
import { KeepIt } from './keep-it.tsx';
import { Outcome } from './outcome.tsx';
import { PlanChecks, PlanEffects } from './plan-effects.tsx';
import { AskerFacts, Fingerprint, RiskFacts } from './plan-facts.tsx';
import { PlanParameters } from './plan-parameters.tsx';
import { Signatures } from './signatures.tsx';
import { lockOf } from './signing.ts';
import { UntrustedReason } from './untrusted-reason.tsx';
import { WhatRuns } from './what-runs.tsx';

type Action = OutputOf<'getAction'>;

interface ActionPanelProps {
  id: string;
  /** Opens with the question of approving or rejecting. */
  ask?: Asking;
  /** The level of its heading: 1 on a page of its own. */
  level?: 1 | 2;
}

export function ActionPanel({ id, ask = null, level = 1 }: ActionPanelProps) {
  const { up } = useLiveState();
  const action = useQuery({ ...query('getAction', { action: id }), refetchInterval: up ? false : 5000 });
  const [asking, setAsking] = useState<Asking>(ask);
  const article = useRef<HTMLElement>(null);
  useShowOutcome(article, action.data?.state);
  return (
    <Loaded query={action} lines={8}>
      {(it) => (
        <article ref={article} aria-label={it.title} className="space-y-4">
          <Head action={it} level={level} />
          {it.confirm_by !== null && <KeepIt action={it} confirmBy={it.confirm_by} />}
          <AskedAgain action={it} />
          {it.state !== 'awaiting_approval' && (
            <Part title="What happened" level={level}>
              <div className="space-y-4">
                {it.approvals.length > 0 && <Approvals action={it} />}
                <Outcome action={it} />
                <div className="border-t border-line pt-3.5">
                  <History action={it} />
                </div>
              </div>
            </Part>
          )}
          <Plan action={it} level={level} />
          {it.state === 'awaiting_approval' && <DecisionBar action={it} asking={asking} onAsk={setAsking} />}
        </article>
      )}
    </Loaded>
  );
}

/** Once it is decided, what happens next stands at the top: the reader is taken there. */
function useShowOutcome(article: RefObject<HTMLElement | null>, state: ActionState | undefined) {
  const before = useRef(state);
  useEffect(() => {
    if (before.current === 'awaiting_approval' && state !== before.current)
      article.current?.scrollIntoView({ block: 'start', behavior: 'smooth' });
    before.current = state;
  }, [state, article]);
}

function Head({ action, level }: { action: Action; level: 1 | 2 }) {
  const Heading = level === 1 ? 'h1' : 'h2';
  return (
    <header>
      <div className="flex min-h-8 items-center justify-between gap-3">
        <p className="flex items-center gap-1 text-xs text-faint">
          <span className="font-mono">{action.id}</span>
          <CopyIcon text={action.id} label="Copy the id" />
        </p>
        <Controls action={action} />
      </div>
      <Heading className="text-xl font-semibold tracking-tight">{action.title}</Heading>
      <div className="mt-2 flex flex-wrap items-center gap-2">
        <ActionStateBadge state={action.state} />
        <RiskBadge risk={action.risk} />
        <span className="text-sm text-dim">
          on <ServerLink server={action.server} className="font-medium text-ink" /> · asked{' '}
          <When at={action.requested_at} />
        </span>
      </div>
      <p
        role="status"
        className={cx('mt-2.5 max-w-prose text-dim', action.state === 'awaiting_approval' && 'max-sm:sr-only')}
      >
        {action.status}
      </p>
    </header>
  );
}

/** What can be done besides deciding: stop, withdraw, close. Derived from the table of the lifecycle. */
function Controls({ action }: { action: Action }) {
  const mayDecide = useMay('approver');
  const { person } = useMe();
  const [closing, setClosing] = useState(false);
  const stop = useOperation('stopAction', ['getAction']);
  const withdraw = useOperation('cancelAction', ['getAction', 'listActions', 'getOverview']);
  const canStop = mayDecide && (action.state === 'running' || action.state === 'dispatched');
  const canWithdraw =
    action.requested_by.person.id === person.id && eventsFor(action.state, 'requester').includes('withdraw');
  const canClose = mayDecide && eventsFor(action.state, 'person').includes('close');
  return (
    <div>
      <div className="flex flex-wrap justify-end gap-2">
        {canWithdraw && (
          <Button icon={Undo2} busy={withdraw.isPending} onClick={() => withdraw.mutate({ action: action.id })}>
            Withdraw
          </Button>
        )}
        {canStop && (
          <Button
            kind="danger"
            icon={CircleStop}
            busy={stop.isPending}
            disabled={action.stop_requested_at !== null}
            onClick={() => stop.mutate({ action: action.id })}
          >
            {action.stop_requested_at ? 'Stop was asked for' : 'Stop'}
          </Button>
        )}
        {canClose && (
          <Button kind="danger" onClick={() => setClosing(true)}>
            Close as failed
          </Button>
        )}
      </div>
      <FaultNotice error={stop.error ?? withdraw.error} />
      {closing && <CloseDialog action={action} onClose={() => setClosing(false)} />}
    </div>
  );
}

function Plan({ action, level }: { action: Action; level: 1 | 2 }) {
  return (
    <>
      <Part level={level} title="Exactly what runs">
        <WhatRuns plan={action.plan} explained={action.explained} />
      </Part>
      <Part level={level} title="Parameters">
        <PlanParameters action={action} />
      </Part>
      <Part level={level} title="What changes">
        <PlanEffects plan={action.plan} />
        <div className="mt-4 border-t border-line pt-3">
          <PlanChecks plan={action.plan} />
        </div>
      </Part>
      <Part level={level} title="Risk and the way back">
        <RiskFacts action={action} />
      </Part>
      <Part level={level} title="Who asked, and why you are asked">
        <AskerFacts action={action} />
        {action.state === 'awaiting_approval' && action.approvals.length > 0 && (
          <div className="mt-3 border-t border-line pt-3">
            <Approvals action={action} />
          </div>
        )}
      </Part>
      {lockOf(action) !== null && (
        <Part level={level} title="Signatures">
          <Signatures action={action} />
        </Part>
      )}
      <Part level={level} title="Fingerprint">
        <Fingerprint action={action} />
      </Part>
      {action.state === 'awaiting_approval' && (
        <Part level={level} title="Time left">
          <Expiry expiresAt={action.expires_at} />
        </Part>
      )}
      <UntrustedReason text={action.untrusted_reason} />
    </>
  );
}

function Part({ title, level, children }: { title: string; level: 1 | 2; children: ReactNode }) {
  const Heading = level === 1 ? 'h2' : 'h3';
  return (
    <Card className="px-4 py-3.5">
      <Heading className="mb-2.5 text-xs font-semibold text-dim">{title}</Heading>
      {children}
    </Card>
  );
}
