/** Ends the waiting for an outcome that nobody will learn. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { useState } from 'react';
import { useOperation } from '../../api/queries.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Field, Textarea } from '../../ui/field.tsx';
import { Form } from '../form.tsx';

export function CloseDialog({ action, onClose }: { action: ActionDetail; onClose: () => void }) {
  const close = useOperation('closeAction', ['getAction', 'listActions', 'getOverview']);
  const [reason, setReason] = useState('');
  return (
    <Dialog
      open
      onClose={onClose}
      title="Close as failed"
      description="The outcome is unknown. Look at the server first; closing only ends the waiting."
    >
      <Form
        onSubmit={() => close.mutate({ action: action.id, reason: reason.trim() }, { onSuccess: onClose })}
        error={close.error}
        label="Close"
      >
        <Field label="What you found">
          {(props) => (
            <Textarea
              {...props}
              autoFocus
              required
              minLength={3}
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Back
          </Button>
          <Button type="submit" kind="danger" busy={close.isPending} disabled={reason.trim().length < 3}>
            Close
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
