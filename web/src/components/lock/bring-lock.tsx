/** Brings a lock file here: a first state that `lock init` made, or the newest one after this database was lost. */
import { type LockState, lockStateSchema } from '@countersign/protocol/lock';
import { FileInput } from 'lucide-react';
import { useState } from 'react';
import { PageFault } from '../../api/page-fault.ts';
import { useOperation } from '../../api/queries.ts';
import { FileButton } from '../../ui/file-button.tsx';
import { FaultNotice } from '../fault-notice.tsx';
import { ProofDialog } from '../proof-dialog.tsx';
import { LockKeys, LockNumbers } from './lock-facts.tsx';
import { readJson } from './read-json.ts';

export function BringLock() {
  const init = useOperation('initLock', ['getLock', 'listServers', 'getServerStatus']);
  const [state, setState] = useState<LockState | null>(null);
  const [problem, setProblem] = useState<PageFault | null>(null);
  const open = (text: string) => {
    const read = lockStateSchema.safeParse(readJson(text));
    setState(read.data ?? null);
    setProblem(
      read.success ? null : new PageFault('This file is no lock.', 'Open the one that `countersign lock init` wrote.'),
    );
  };
  const close = () => setState(null);
  return (
    <div className="space-y-3">
      <FileButton label="A lock file" icon={FileInput} accept="application/json,.json" onText={open}>
        Open a lock file
      </FileButton>
      <FaultNotice error={problem} />
      {state && (
        <ProofDialog
          title="Keep this lock here?"
          description="Then its changes are handed to the servers that pin it. It gives nobody any power by itself."
          verb="Keep it"
          wide
          onProof={(proof) => init.mutateAsync({ state, proof }).then(close)}
          onClose={close}
        >
          <div className="grid gap-5 sm:grid-cols-2">
            <LockKeys state={state} />
            <LockNumbers state={state} />
          </div>
        </ProofDialog>
      )}
    </div>
  );
}
