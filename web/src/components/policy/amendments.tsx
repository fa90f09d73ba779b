/** Changes of policy, roles, people and tokens that other owners agree to: what is open, and what became of the others. */
import type { AmendmentView, OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Ban, CircleCheck, Clock, Hand, type LucideIcon, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { call } from '../../api/client.ts';
import { query, useOperation, useWork } from '../../api/queries.ts';
import { useMay, useMe } from '../../api/session.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Command } from '../../ui/copy.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { Disclosure } from '../../ui/disclosure.tsx';
import { Notice } from '../../ui/notice.tsx';
import { When } from '../../ui/time.tsx';
import type { Tone } from '../../ui/tone.ts';
import { Confirm } from '../confirm.tsx';
import { FaultNotice } from '../fault-notice.tsx';
import { Loaded } from '../loaded.tsx';
import { ProofDialog } from '../proof-dialog.tsx';
import { SecretOnce } from '../secret-once.tsx';

type State = AmendmentView['state'];

const looks = {
  proposed: { tone: 'warn', icon: Hand, word: 'Waits for agreement' },
  made: { tone: 'ok', icon: CircleCheck, word: 'Made' },
  declined: { tone: 'crit', icon: Ban, word: 'Declined' },
  withdrawn: { tone: 'idle', icon: Undo2, word: 'Withdrawn' },
  expired: { tone: 'idle', icon: Clock, word: 'Expired' },
} as const satisfies Record<State, { tone: Tone; icon: LucideIcon; word: string }>;

/** Said after somebody asked for such a change: it is made, or it waits. */
export function AmendmentOutcome({ amendment }: { amendment: AmendmentView }) {
  const waits = amendment.others_needed - amendment.agreed.length;
  return amendment.state === 'made' ? (
    <Notice role="status" tone="ok" title={`Done: ${amendment.title}`} />
  ) : (
    <Notice role="status" tone="warn" icon={Hand} title={`Proposed: ${amendment.title}`}>
      By the rule “{amendment.rule}” it waits for {waits} more {waits === 1 ? 'owner' : 'owners'} to agree, on the
      policy page.
    </Notice>
  );
}

export function Amendments() {
  const amendments = useQuery(query('listAmendments', {}));
  const [collected, setCollected] = useState<Collected | null>(null);
  return (
    <>
      {collected && <CollectedSecret made={collected} onClose={() => setCollected(null)} />}
      <Loaded query={amendments}>
        {({ amendments: all }) =>
          all.length === 0 ? (
            <p className="text-dim">None yet.</p>
          ) : (
            <ul
              aria-label="Amendments"
              className="divide-y divide-line rounded-xl border border-line bg-surface shadow-lift"
            >
              {all
                .toSorted((a, b) => Number(b.state === 'proposed') - Number(a.state === 'proposed'))
                .map((amendment) => (
                  <Amendment key={amendment.id} amendment={amendment} onCollected={setCollected} />
                ))}
            </ul>
          )
        }
      </Loaded>
    </>
  );
}

interface AmendmentProps {
  amendment: AmendmentView;
  onCollected: (made: Collected) => void;
}

function Amendment({ amendment, onCollected }: AmendmentProps) {
  const { tone, icon, word } = looks[amendment.state];
  const { agreed, others_needed: needed } = amendment;
  return (
    <li className="space-y-2 px-4 py-3 text-sm">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <span className="font-medium [overflow-wrap:anywhere]">{amendment.title}</span>
        <Badge tone={tone} icon={icon}>
          {word}
        </Badge>
      </div>
      <p className="text-dim">
        by {amendment.by.name} <When at={amendment.at} /> · rule “{amendment.rule}”
        {needed > 0 && ` · ${agreed.length} of ${needed} others agreed`}
        {agreed.length > 0 && `: ${agreed.map(({ name }) => name).join(', ')}`}
        {amendment.declined_by && ` · declined by ${amendment.declined_by.name}`}
        {amendment.state === 'proposed' && (
          <>
            {' '}
            · ends <When at={amendment.expires_at} />
          </>
        )}
      </p>
      {amendment.diff && (
        <Disclosure summary="What changes" open={amendment.state === 'proposed'}>
          <DiffView diff={amendment.diff} label={amendment.title} />
        </Disclosure>
      )}
      {amendment.state === 'proposed' && <Decide amendment={amendment} onCollected={onCollected} />}
    </li>
  );
}

function Decide({ amendment, onCollected }: AmendmentProps) {
  const owner = useMay('owner');
  const me = useMe().person;
  const [asking, setAsking] = useState<'agree' | 'decline' | 'withdraw' | null>(null);
  const decide = useOperation('decideAmendment', [
    'listAmendments',
    'getOverview',
    'getPolicy',
    'listPeople',
    'listTokens',
  ]);
  const close = () => setAsking(null);
  const own = amendment.by.id === me.id;
  const ready =
    (amendment.kind === 'token' || amendment.kind === 'person') && amendment.agreed.length >= amendment.others_needed;
  if (!owner && !own) return null;
  const agreed = amendment.agreed.some(({ id }) => id === me.id);
  return (
    <div className="flex flex-wrap gap-2 pt-1">
      {own && ready && <Collect amendment={amendment} onCollected={onCollected} />}
      {own ? (
        <Button icon={Undo2} onClick={() => setAsking('withdraw')}>
          Withdraw
        </Button>
      ) : (
        <>
          <Button kind="danger" onClick={() => setAsking('decline')}>
            Decline
          </Button>
          {!agreed && (
            <Button kind="primary" onClick={() => setAsking('agree')}>
              Agree…
            </Button>
          )}
        </>
      )}
      {asking === 'agree' && (
        <ProofDialog
          title={`Agree: ${amendment.title}`}
          description={`Asked for by ${amendment.by.name}. Once enough owners agree, it is in force at once.`}
          verb="Agree"
          wide={amendment.diff !== null}
          onProof={(proof) => decide.mutateAsync({ amendment: amendment.id, verdict: 'agree', proof }).then(close)}
          onClose={close}
        >
          {amendment.diff && <DiffView diff={amendment.diff} label="What changes" />}
        </ProofDialog>
      )}
      <Confirm
        open={asking === 'decline' || asking === 'withdraw'}
        onClose={close}
        title={asking === 'withdraw' ? 'Withdraw it?' : 'Decline it?'}
        verb={asking === 'withdraw' ? 'Withdraw' : 'Decline'}
        busy={decide.isPending}
        error={decide.error}
        onConfirm={() =>
          decide.mutate(
            { amendment: amendment.id, verdict: asking === 'withdraw' ? 'withdraw' : 'decline' },
            { onSuccess: close },
          )
        }
      >
        {amendment.title}. Nothing changes.
      </Confirm>
    </div>
  );
}

type Collected = OutputOf<'collectAmendment'>;

/** A token or an invitation that others agreed to: made now, for who asked. */
function Collect({ amendment, onCollected }: { amendment: AmendmentView; onCollected: (made: Collected) => void }) {
  // As part of the work: a callback of `mutate` is not called when the row is gone by then, and the secret is told once.
  const collect = useWork(async () => {
    onCollected(await call('collectAmendment', { amendment: amendment.id }));
  }, ['listTokens', 'listPeople', 'listAmendments']);
  return (
    <>
      <Button kind="primary" busy={collect.isPending} onClick={() => collect.mutate(undefined)}>
        Collect it
      </Button>
      <FaultNotice error={collect.error} />
    </>
  );
}

/** Its secret, shown once. Kept by the page, since the row that asked for it changes at once. */
function CollectedSecret({ made: { amendment, secret, link }, onClose }: { made: Collected; onClose: () => void }) {
  return (
    <Dialog open onClose={onClose} title={amendment.title}>
      <div className="space-y-3">
        {secret !== null && <SecretOnce secret={secret} label="Token" />}
        {link !== null && <Command text={link} label="Invitation link" />}
        <DialogButtons>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </DialogButtons>
      </div>
    </Dialog>
  );
}
