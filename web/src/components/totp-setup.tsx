/** Turns an authenticator app on: scan, then prove it with a code. */
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { Button } from '../ui/button.tsx';
import { CopyIcon } from '../ui/copy.tsx';
import { DialogButtons } from '../ui/dialog.tsx';
import { CodeField } from '../ui/field.tsx';
import { Qr } from '../ui/qr.tsx';
import { FaultNotice } from './fault-notice.tsx';
import { Form } from './form.tsx';
import { useProved } from './proved.tsx';

interface TotpSetupProps {
  onDone: () => void;
  onSkip: () => void;
  skipWord: string;
}

export function TotpSetup({ onDone, onSkip, skipWord }: TotpSetupProps) {
  const start = useProved('startTotp', [], { title: 'Set up an authenticator app', verb: 'Go on' });
  const confirm = useOperation('confirmTotp', ['getMe', 'listPeople']);
  const [code, setCode] = useState('');
  if (!start.data)
    return (
      <div className="space-y-4">
        <FaultNotice error={start.error} />
        <DialogButtons>
          <Button kind="quiet" onClick={onSkip}>
            {skipWord}
          </Button>
          <Button kind="primary" busy={start.isPending} onClick={() => start.run({})}>
            Set up
          </Button>
        </DialogButtons>
        {start.dialog}
      </div>
    );
  return (
    <Form
      label="Authenticator app"
      error={confirm.error}
      onSubmit={() => confirm.mutate({ code }, { onSuccess: onDone })}
    >
      <div className="flex flex-col items-center gap-4 sm:flex-row sm:items-start">
        <Qr text={start.data.uri} label="QR code for the authenticator app" />
        <div className="min-w-0 text-sm">
          <p className="text-dim">Scan it with your authenticator app. Without a camera, type this secret:</p>
          <p className="mt-2 flex items-center gap-1">
            <code className="font-mono text-xs [overflow-wrap:anywhere]">
              {start.data.secret.replace(/(.{4})(?=.)/g, '$1 ')}
            </code>
            <CopyIcon text={start.data.secret} label="Copy the secret" />
          </p>
        </div>
      </div>
      <CodeField label="Code that the app shows" autoFocus value={code} onChange={setCode} />
      <DialogButtons>
        <Button kind="quiet" onClick={onSkip}>
          {skipWord}
        </Button>
        <Button type="submit" kind="primary" busy={confirm.isPending} disabled={code.length !== 6}>
          Turn it on
        </Button>
      </DialogButtons>
    </Form>
  );
}
