/** A change of the lock on its way: what it does, who must sign, one's own signature, and the file for the others. */
import type { LockState, SignedLockChange } from '@countersign/protocol/lock';
import { useQuery } from '@tanstack/react-query';
import { Download, Fingerprint, Send } from 'lucide-react';
import { useEffect, useState } from 'react';
import { call } from '../../api/client.ts';
import { query, useWork } from '../../api/queries.ts';
import { digestInBrowser } from '../../api/signing.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Disclosure } from '../../ui/disclosure.tsx';
import { Notice } from '../../ui/notice.tsx';
import { ScrollBox } from '../../ui/scroll-box.tsx';
import { signingWith, signValue } from '../action/signing.ts';
import { FaultNotice } from '../fault-notice.tsx';
import { KeyName } from '../key-name.tsx';
import { describeChange, holdersOf, keyOfChange, numbersOfChange } from './describe-change.ts';

interface SignChangeProps {
  state: LockState;
  given: SignedLockChange;
  onClose: () => void;
}

export function SignChange({ state, given, onClose }: SignChangeProps) {
  const own = useQuery(query('listPasskeys', {}));
  const signing = signingWith(own.data, state);
  const [signed, setSigned] = useState(given);
  const needed = state.signatures.change;
  const holders = holdersOf(state, signed.signatures);
  const mine = signing.passkeys.some(({ key }) => signed.signatures.some((signature) => signature.key === key));
  const enough = holders.length >= needed;
  const send = async (change: SignedLockChange) => {
    await call('changeLock', { change });
    onClose();
  };
  const sign = useWork(async () => {
    const { signature } = await signValue(signed.change, signing);
    const next = { ...signed, signatures: [...signed.signatures, signature] };
    setSigned(next);
    if (holdersOf(state, next.signatures).length >= needed) await send(next);
  }, ['getLock', 'listServers', 'getServerStatus', 'listPasskeys']);
  const submit = useWork(() => send(signed), ['getLock', 'listServers', 'getServerStatus']);
  const last = !mine && holders.length + 1 >= needed;
  return (
    <Dialog open onClose={onClose} wide title={describeChange(signed.change, state)}>
      <div className="space-y-4 text-sm">
        <AboutChange signed={signed} state={state} />
        <p>
          Signed by {holders.length === 0 ? 'nobody yet' : holders.join(' and ')}: {holders.length} of {needed} needed.
          {!enough && !last && ' The servers follow it once the others have signed too.'}
        </p>
        {!mine && signing.why && (
          <Notice title={`You cannot sign it here: ${signing.why}`}>
            Download it, and have a present holder sign it:{' '}
            <code className="font-mono text-xs">countersign lock sign FILE --key KEYFILE</code>
          </Notice>
        )}
        {mine && !enough && (
          <Notice tone="ok" title="You have signed it.">
            Download it and give it to the other holders. They open it on this page, or sign it with{' '}
            <code className="font-mono text-xs">countersign lock sign FILE</code>.
          </Notice>
        )}
        <FaultNotice error={sign.error ?? submit.error} />
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            {mine ? 'Close' : 'Cancel'}
          </Button>
          {!enough && (
            <Button icon={Download} onClick={() => download(signed)}>
              Download
            </Button>
          )}
          {!mine && !enough && signing.why === null && (
            <Button
              kind="primary"
              icon={Fingerprint}
              autoFocus
              busy={sign.isPending}
              onClick={() => sign.mutate(undefined)}
            >
              {last ? 'Sign and send to the servers' : 'Sign with passkey'}
            </Button>
          )}
          {enough && (
            <Button
              kind="primary"
              icon={Send}
              autoFocus
              busy={submit.isPending || sign.isPending}
              onClick={() => submit.mutate(undefined)}
            >
              Send to the servers
            </Button>
          )}
        </DialogButtons>
      </div>
    </Dialog>
  );
}

/** The change word for word, and the digest that a signature covers. */
function AboutChange({ signed: { change }, state }: { signed: SignedLockChange; state: LockState }) {
  const [digest, setDigest] = useState<string | null>(null);
  useEffect(() => void digestInBrowser(change).then(setDigest, () => setDigest(null)), [change]);
  const key = keyOfChange(change);
  return (
    <div className="space-y-2">
      {key && (
        <p>
          <KeyName value={key} />
        </p>
      )}
      {numbersOfChange(change, state).map((line) => (
        <p key={line}>{line}</p>
      ))}
      <p className="text-dim">
        A signature covers the SHA-256 of this change{' '}
        <span className="font-mono text-xs [overflow-wrap:anywhere]">{digest ?? '…'}</span>
      </p>
      <Disclosure summary="Exactly what is signed">
        <ScrollBox label="The change as JSON" className="max-h-56 rounded-lg border border-line bg-sunken">
          <pre className="w-fit px-3 py-2 font-mono text-xs">{JSON.stringify(change, null, 2)}</pre>
        </ScrollBox>
      </Disclosure>
    </div>
  );
}

function download(signed: SignedLockChange) {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(signed, null, 2)}\n`], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `lock-change-${signed.change.before.slice(0, 8)}.json`;
  link.click();
  URL.revokeObjectURL(url);
}
