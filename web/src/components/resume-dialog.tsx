/** Lets changes happen again: an owner, with a fresh proof. */
import { useOperation } from '../api/queries.ts';
import { ProofDialog } from './proof-dialog.tsx';

export default function ResumeDialog({ onClose }: { onClose: () => void }) {
  const resume = useOperation('resumeDispatch', ['getOverview', 'getPause', 'listActions', 'getAction']);
  return (
    <ProofDialog
      title="Resume all changes?"
      description="What was approved and still has time starts at once."
      verb="Resume"
      onProof={(proof) => resume.mutateAsync({ proof }).then(onClose)}
      onClose={onClose}
    />
  );
}
