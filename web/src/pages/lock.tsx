/** The lock: whose signatures servers ask for, how it came to be so, which servers follow it, and how it changes. */
import { type LockState, type SignedLockChange, signedLockChangeSchema } from '@countersign/protocol/lock';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useMutation, useQuery } from '@tanstack/react-query';
import { FileInput, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { PageFault } from '../api/page-fault.ts';
import { query } from '../api/queries.ts';
import { serverNow } from '../api/server-time.ts';
import { useMay } from '../api/session.ts';
import { canDigest, digestInBrowser } from '../api/signing.ts';
import { FaultNotice } from '../components/fault-notice.tsx';
import { Loaded } from '../components/loaded.tsx';
import { LockChanges } from '../components/lock/lock-changes.tsx';
import { LockKeys, LockNumbers } from '../components/lock/lock-facts.tsx';
import { LockServers } from '../components/lock/lock-servers.tsx';
import { AddKey, RequireNumbers, type WhatChanges } from '../components/lock/new-change.tsx';
import { readJson } from '../components/lock/read-json.ts';
import { SignChange } from '../components/lock/sign-change.tsx';
import { StartLock } from '../components/lock/start-lock.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Card, Section } from '../ui/card.tsx';
import { FileButton } from '../ui/file-button.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';

type Lock = OutputOf<'getLock'>;

export function LockPage() {
  const lock = useQuery(query('getLock', {}));
  return (
    <div className="mx-auto max-w-4xl">
      <PageHead
        title="Lock"
        tab="Lock"
        lead="A locked server holds the public keys of its approvers and acts only with their signatures, whatever this control plane says."
      />
      <Loaded query={lock} lines={8}>
        {(it) => (
          <div className="space-y-7">
            {it.state === null || it.state.disabled ? <StartLock /> : <Present lock={it} state={it.state} />}
            <Section title="Servers">
              <LockServers servers={it.servers} present={it.state?.number ?? null} />
            </Section>
            {it.state !== null && (
              <Section
                title="Changes"
                hint="Each is signed by holders of the state before; every server checks the whole chain from its own pin."
              >
                <LockChanges lock={it} />
              </Section>
            )}
          </div>
        )}
      </Loaded>
    </div>
  );
}

type Asking = 'add' | 'require' | null;

function Present({ lock, state }: { lock: Lock; state: LockState }) {
  const may = useMay('approver') && canDigest();
  const own = useQuery(query('listPasskeys', {}));
  const [asking, setAsking] = useState<Asking>(null);
  const [signing, setSigning] = useState<SignedLockChange | null>(null);
  // The state that a change starts from is hashed here, so that what is signed fits what is shown.
  const begin = useMutation({
    mutationFn: async (change: WhatChanges) => {
      const before = await digestInBrowser(state);
      if (before !== lock.state_digest) throw otherState;
      setAsking(null);
      setSigning({
        change: { format: 'countersign-lock-change/1', before, at: serverNow(), change },
        signatures: [],
      });
    },
  });
  const party = own.data?.party ?? null;
  const siteFits = party === null || state.party?.origins.includes(location.origin) === true;
  const notIn = (own.data?.passkeys ?? []).filter(({ key }) => !state.keys.some((it) => it.key === key));
  return (
    <div className="space-y-7">
      <FaultNotice error={begin.error} />
      <div className="grid gap-7 lg:grid-cols-2">
        <Section
          title="Holders and their keys"
          aside={
            may && (
              <Button size="sm" icon={Plus} onClick={() => setAsking('add')}>
                Add a key
              </Button>
            )
          }
        >
          <Card className="p-4">
            <LockKeys
              state={state}
              forKey={(key, holder) =>
                may &&
                state.keys.length > 1 && (
                  <IconButton
                    icon={Trash2}
                    label={`Remove this key of ${holder}`}
                    onClick={() => begin.mutate({ kind: 'remove', key })}
                  />
                )
              }
            />
          </Card>
        </Section>
        <Section
          title="How many must sign"
          aside={
            may && (
              <Button size="sm" onClick={() => setAsking('require')}>
                Change
              </Button>
            )
          }
        >
          <Card className="p-4">
            <LockNumbers state={state} whole />
          </Card>
        </Section>
      </div>
      {may && !siteFits && party !== null && notIn.length + state.keys.length > 0 && (
        <Notice
          tone="info"
          title="Passkeys used on this site do not count in the lock yet."
          aside={
            <Button size="sm" onClick={() => begin.mutate({ kind: 'party', party })}>
              Let them count
            </Button>
          }
        >
          The lock names {state.party === null ? 'no site' : state.party.origins.join(', ')}; this is {location.origin}.
          It is a signed change like any other.
        </Notice>
      )}
      {may && <OpenChange lock={lock} onOpened={setSigning} />}
      {asking === 'add' && (
        <AddKey passkeys={notIn} onChosen={(change) => begin.mutate(change)} onClose={() => setAsking(null)} />
      )}
      {asking === 'require' && (
        <RequireNumbers state={state} onChosen={(change) => begin.mutate(change)} onClose={() => setAsking(null)} />
      )}
      {signing && <SignChange state={state} given={signing} onClose={() => setSigning(null)} />}
    </div>
  );
}

const otherState = new PageFault(
  'The state that is shown is not the one whose digest the control plane names.',
  'Do not sign anything here. Compare with `countersign lock log` on another machine.',
);

/** A change that somebody else began, as a file. */
function OpenChange({ lock, onOpened }: { lock: Lock; onOpened: (change: SignedLockChange) => void }) {
  const [problem, setProblem] = useState<PageFault | null>(null);
  const open = (text: string) => {
    const read = signedLockChangeSchema.safeParse(readJson(text));
    const fits = read.success && read.data.change.before === lock.state_digest;
    setProblem(!read.success ? noChange : fits ? null : tooLate);
    if (fits) onOpened(read.data);
  };
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-3 text-sm text-dim">
        <FileButton label="A change of the lock" icon={FileInput} accept="application/json,.json" onText={open}>
          Open a change to sign
        </FileButton>
        <span>One that another holder began and sent you.</span>
      </div>
      <FaultNotice error={problem} />
    </div>
  );
}

const noChange = new PageFault(
  'This file is no change of a lock.',
  'Ask for the one that this page or `countersign lock` wrote.',
);
const tooLate = new PageFault(
  'This change was made for another state of the lock.',
  'Somebody was quicker: make it again from the present state.',
);
