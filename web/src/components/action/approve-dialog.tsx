/** The last look before an approval: what, where, the fingerprint; at high risk the server's name typed by hand. */

import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { fingerprint } from '@countersign/protocol/plan';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { isFault } from '../../api/client.ts';
import { useOperation } from '../../api/queries.ts';
import { useMe } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Field, Input } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import { Form } from '../form.tsx';
import { RiskBadge } from '../states.tsx';

/** Whether the name of the server must be typed by hand. */
export function asksForName({ risk }: Pick<ActionDetail, 'risk'>): boolean {
  return risk === 'high' || risk === 'critical';
}

/** Whether approving takes more than one press of the button. */
export function asksMore(action: ActionDetail): boolean {
  return asksForName(action) || action.policy.strength === 'code' || action.policy.strength === 'passkey';
}

export function useApprove() {
  return useOperation('approveAction', ['getAction', 'listActions', 'getOverview']);
}

export function ApproveDialog({ action, onClose }: { action: ActionDetail; onClose: () => void }) {
  const { person } = useMe();
  const approve = useApprove();
  const [typed, setTyped] = useState('');
  const [code, setCode] = useState('');
  const wantsName = asksForName(action);
  const wantsCode = action.policy.strength === 'code' || isFault(approve.error, 'code_required');
  const nameFits = !wantsName || typed.trim() === action.server.name;
  const submit = () =>
    approve.mutate(
      {
        action: action.id,
        digest: action.digest,
        ...(wantsName ? { typed_server: typed.trim() } : {}),
        ...(code === '' ? {} : { code }),
      },
      { onSuccess: onClose },
    );
  return (
    <Dialog open onClose={onClose} title={action.title} description="Approve this plan, once.">
      <Form onSubmit={submit} error={approve.error} label="Approve">
        <div className="flex flex-wrap items-center gap-2">
          <RiskBadge risk={action.risk} />
          <span className="font-mono text-sm font-semibold tracking-widest">{fingerprint(action.digest)}</span>
          {!action.reversible && <span className="text-sm text-dim">cannot be taken back</span>}
        </div>
        {wantsName && (
          <Field
            label={
              <>
                Type the server’s name: <span className="font-mono">{action.server.name}</span>
              </>
            }
          >
            {(props) => (
              <Input
                {...props}
                mono
                autoFocus
                required
                spellCheck={false}
                autoCapitalize="off"
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
              />
            )}
          </Field>
        )}
        {wantsCode && !person.totp && (
          <Notice tone="warn" title="This needs a code of an authenticator app, and you have none set up.">
            <Link to="/account" className="underline">
              Set one up in your account
            </Link>
          </Notice>
        )}
        {(wantsCode || (wantsName && person.totp)) && (
          <Field
            label="Code of the authenticator app"
            note={wantsCode ? undefined : 'optional'}
            hint={wantsCode ? undefined : 'Makes the approval stronger.'}
          >
            {(props) => (
              <Input
                {...props}
                mono
                autoFocus={!wantsName}
                required={wantsCode}
                inputMode="numeric"
                autoComplete="one-time-code"
                pattern="\d{6}"
                maxLength={6}
                value={code}
                onChange={(event) => setCode(event.target.value.replace(/\D/g, ''))}
              />
            )}
          </Field>
        )}
        {action.policy.strength === 'passkey' && (
          <Notice tone="warn" title="The policy asks for a passkey.">
            This dashboard cannot take one yet; the control plane will say what counts instead.
          </Notice>
        )}
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Back
          </Button>
          <Button
            type="submit"
            kind="primary"
            autoFocus={!wantsName && !wantsCode}
            busy={approve.isPending}
            disabled={!nameFits || (wantsCode && code.length !== 6)}
          >
            Approve once
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
