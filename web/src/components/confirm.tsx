/** Asks once more before something that cannot be taken back. */
import { type ReactNode, useRef } from 'react';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { FaultNotice } from './fault-notice.tsx';

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** What the button says: the verb. */
  verb: string;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
}

export function Confirm({ open, onClose, title, children, verb, busy, error, onConfirm }: ConfirmProps) {
  const cancel = useRef<HTMLButtonElement>(null);
  return (
    <Dialog open={open} onClose={onClose} title={title} initialFocus={cancel}>
      <div className="space-y-3 text-dim">
        <div>{children}</div>
        <FaultNotice error={error} />
      </div>
      <DialogButtons>
        <button
          ref={cancel}
          type="button"
          onClick={onClose}
          className="tap h-8 rounded-lg px-3 text-sm font-medium text-dim hover:bg-sunken hover:text-ink"
        >
          Cancel
        </button>
        <Button kind="danger" busy={busy} onClick={onConfirm}>
          {verb}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
