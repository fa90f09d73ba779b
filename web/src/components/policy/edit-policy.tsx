/** Edits the rules as text, shows the difference, and asks for a proof before they are in force. */
import type { AmendmentView, OutputOf } from '@countersign/protocol/operator-api/index';
import { unifiedDiff } from '@countersign/protocol/unified-diff';
import { useMemo, useState } from 'react';
import { useOperation } from '../../api/queries.ts';
import { Button } from '../../ui/button.tsx';
import { DiffView } from '../../ui/diff-view.tsx';
import { Field, Textarea } from '../../ui/field.tsx';
import { ProofDialog } from '../proof-dialog.tsx';

interface EditPolicyProps {
  policy: OutputOf<'getPolicy'>;
  draft: string;
  onDraft: (yaml: string) => void;
  onDone: (amendment: AmendmentView) => void;
  onCancel: () => void;
}

export function EditPolicy({ policy, draft, onDraft, onDone, onCancel }: EditPolicyProps) {
  const [reviewing, setReviewing] = useState(false);
  const changed = draft !== policy.yaml;
  return (
    <div className="space-y-3">
      <Field label="Rules" hint="YAML. The difference is shown before anything changes.">
        {(props) => (
          <Textarea
            {...props}
            mono
            autoFocus
            rows={24}
            spellCheck={false}
            autoCapitalize="off"
            wrap="off"
            className="leading-5"
            value={draft}
            onChange={(event) => onDraft(event.target.value)}
          />
        )}
      </Field>
      <div className="flex flex-wrap justify-end gap-2">
        <Button kind="quiet" onClick={onCancel}>
          Discard
        </Button>
        <Button kind="primary" disabled={!changed} onClick={() => setReviewing(true)}>
          Look at the difference
        </Button>
      </div>
      {reviewing && <Review policy={policy} draft={draft} onDone={onDone} onClose={() => setReviewing(false)} />}
    </div>
  );
}

interface ReviewProps extends Pick<EditPolicyProps, 'policy' | 'draft' | 'onDone'> {
  onClose: () => void;
}

function Review({ policy, draft, onDone, onClose }: ReviewProps) {
  const set = useOperation('setPolicy', ['getPolicy', 'listAmendments', 'getOverview']);
  const diff = useMemo(() => unifiedDiff('policy.yaml', policy.yaml, draft), [policy.yaml, draft]);
  return (
    <ProofDialog
      title="Change the rules?"
      description="They count from the next request on. What waits already keeps the rule it was asked under."
      verb="Change the rules"
      wide
      onProof={(proof) =>
        set.mutateAsync({ yaml: draft, before: policy.sha256, proof }).then(({ amendment }) => {
          onClose();
          onDone(amendment);
        })
      }
      onClose={onClose}
    >
      <DiffView diff={diff} label="policy.yaml" />
    </ProofDialog>
  );
}
