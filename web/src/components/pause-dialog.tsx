/** Stops all changes everywhere at once. Two deliberate acts: opening this, and the button in it. */
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Check, Field, Textarea } from '../ui/field.tsx';
import { Form } from './form.tsx';

export default function PauseDialog({ onClose }: { onClose: () => void }) {
  const pause = useOperation('pauseDispatch', ['getOverview', 'getPause', 'listActions', 'getAction']);
  const [reason, setReason] = useState('');
  const [stopRunning, setStopRunning] = useState(false);
  const said = reason.trim();
  const submit = () =>
    pause.mutate({ stop_running: stopRunning, ...(said === '' ? {} : { reason: said }) }, { onSuccess: onClose });
  return (
    <Dialog
      open
      onClose={onClose}
      title="Pause everything?"
      description="No change starts on any server until an owner resumes. Reading and diagnosing go on."
    >
      <Form label="Pause everything" error={pause.error} onSubmit={submit}>
        <Field label="Reason" note="optional" hint="Everybody sees it while the pause lasts.">
          {(props) => (
            <Textarea
              {...props}
              autoFocus
              rows={2}
              minLength={3}
              maxLength={500}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        <Check
          label="Also stop what is running"
          hint="Each running action is asked to stop, as by its own Stop button."
          checked={stopRunning}
          onChange={(event) => setStopRunning(event.target.checked)}
        />
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind="alarm" busy={pause.isPending} disabled={said !== '' && said.length < 3}>
            Pause everything
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
