/** The last look before an approval: what, where, the fingerprint; at high risk the server's name typed by hand, or a passkey. */

import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { fingerprint } from '@countersign/protocol/plan';
import { Link } from '@tanstack/react-router';
import { Fingerprint } from 'lucide-react';
import { useState } from 'react';
import { isFault } from '../../api/client.ts';
import { useMe } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { CodeField, TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Form } from '../form.tsx';
import { RiskBadge } from '../states.tsx';
import type { Signing } from './signing.ts';
import { useApprove } from './use-approve.ts';

/** Whether the name of the server must be typed by hand, unless a passkey signs. */
export function asksForName({ risk }: Pick<ActionDetail, 'risk'>): boolean {
  return risk === 'high' || risk === 'critical';
}

/** Whether approving without a passkey takes more than one press of the button. */
export function asksMore(action: ActionDetail): boolean {
  return asksForName(action) || action.policy.strength === 'code';
}

/** Whether nothing less than a passkey's signature counts. */
export function mustSign(action: ActionDetail, { lock }: Signing): boolean {
  return lock !== null || action.policy.strength === 'passkey';
}

interface ApproveDialogProps {
  action: ActionDetail;
  signing: Signing;
  onClose: () => void;
}

export function ApproveDialog({ action, signing, onClose }: ApproveDialogProps) {
  const approve = useApprove(action);
  const signsOnly = mustSign(action, signing);
  const [typed, setTyped] = useState('');
  const [code, setCode] = useState('');
  const wantsName = asksForName(action);
  const wantsCode = action.policy.strength === 'code' || isFault(approve.error, 'code_required');
  const nameFits = !wantsName || typed.trim() === action.server.name;
  const sign = () => approve.mutate({ signing }, { onSuccess: onClose });
  const submit = () =>
    approve.mutate(
      { ...(wantsName ? { typedServer: typed.trim() } : {}), ...(code === '' ? {} : { code }) },
      { onSuccess: onClose },
    );
  return (
    <Dialog open onClose={onClose} title={action.title} description="Approve this plan, once.">
      <Form onSubmit={signsOnly ? sign : submit} error={approve.error} label="Approve">
        <div className="flex flex-wrap items-center gap-2">
          <RiskBadge risk={action.risk} />
          <span className="font-mono text-sm font-semibold tracking-widest">{fingerprint(action.digest)}</span>
          {!action.reversible && <span className="text-sm text-dim">cannot be taken back</span>}
        </div>
        {signsOnly ? (
          <WhatIsSigned action={action} />
        ) : (
          <Typed
            action={action}
            typed={typed}
            onTyped={setTyped}
            code={code}
            onCode={setCode}
            wantsName={wantsName}
            wantsCode={wantsCode}
          />
        )}
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Back
          </Button>
          {!signsOnly && signing.why === null && (
            <Button icon={Fingerprint} busy={approve.isPending} onClick={sign}>
              Approve with passkey
            </Button>
          )}
          <Button
            type="submit"
            kind="primary"
            icon={signsOnly ? Fingerprint : undefined}
            autoFocus={signsOnly || (!wantsName && !wantsCode)}
            busy={approve.isPending}
            disabled={!signsOnly && (!nameFits || (wantsCode && code.length !== 6))}
          >
            {signsOnly ? 'Approve with passkey' : 'Approve once'}
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}

/** Said before the browser asks, since the browser's own question names only the site. */
function WhatIsSigned({ action }: { action: ActionDetail }) {
  return (
    <Notice icon={Fingerprint} title="Your passkey signs this plan.">
      Your device does not show what it signs, so read it here: the SHA-256 that this page computed from the plan,
      beginning with <span className="font-mono">{fingerprint(action.digest)}</span>. It is good for this action only.
    </Notice>
  );
}

interface TypedProps {
  action: ActionDetail;
  typed: string;
  onTyped: (text: string) => void;
  code: string;
  onCode: (code: string) => void;
  wantsName: boolean;
  wantsCode: boolean;
}

function Typed({ action, typed, onTyped, code, onCode, wantsName, wantsCode }: TypedProps) {
  const { person } = useMe();
  return (
    <>
      {wantsName && (
        <TextField
          label={
            <>
              Type the server’s name: <span className="font-mono">{action.server.name}</span>
            </>
          }
          mono
          autoFocus
          required
          spellCheck={false}
          autoCapitalize="off"
          value={typed}
          onChange={onTyped}
        />
      )}
      {wantsCode && !person.totp && (
        <Notice tone="warn" title="This needs a code of an authenticator app, and you have none set up.">
          <Link to="/account" className="underline">
            Set one up in your account
          </Link>
        </Notice>
      )}
      {(wantsCode || (wantsName && person.totp)) && (
        <CodeField
          label="Code of the authenticator app"
          note={wantsCode ? undefined : 'optional'}
          hint={wantsCode ? undefined : 'Makes the approval stronger.'}
          autoFocus={!wantsName}
          required={wantsCode}
          value={code}
          onChange={onCode}
        />
      )}
    </>
  );
}
