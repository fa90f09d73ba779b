/** Says no, and why: the reason goes back to who asked. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { useState } from 'react';
import { useOperation } from '../../api/queries.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { Field, Textarea } from '../../ui/field.tsx';
import { Form } from '../form.tsx';

export function RejectDialog({ action, onClose }: { action: ActionDetail; onClose: () => void }) {
  const reject = useOperation('rejectAction', ['getAction', 'listActions', 'getOverview']);
  const [reason, setReason] = useState('');
  const submit = () =>
    reject.mutate(
      { action: action.id, digest: action.digest, ...(reason.trim() === '' ? {} : { reason: reason.trim() }) },
      { onSuccess: onClose },
    );
  return (
    <Dialog open onClose={onClose} title={`Reject: ${action.title}`} description="Nothing will be done.">
      <Form onSubmit={submit} error={reject.error} label="Reject">
        <Field label="Reason" note="optional" hint="The assistant reads it, so say what would be better.">
          {(props) => (
            <Textarea
              {...props}
              autoFocus
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
              onKeyDown={(event) => {
                if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) submit();
              }}
            />
          )}
        </Field>
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Back
          </Button>
          <Button type="submit" kind="danger" busy={reject.isPending}>
            Reject
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
