/** Asks for a fresh proof that it is really the signed-in person: a passkey, a code, or the password. */
import type { OutputOf, Proof } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Fingerprint } from 'lucide-react';
import { type ReactNode, useId, useState } from 'react';
import { call } from '../api/client.ts';
import { answerWithPasskey, supportsPasskeys } from '../api/passkeys.ts';
import { useWork } from '../api/queries.ts';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { CodeField, PasswordField } from '../ui/field.tsx';
import { Segmented } from '../ui/segmented.tsx';
import { Form } from './form.tsx';
import { Loaded } from './loaded.tsx';

type Kind = Proof['kind'];
type Proofs = OutputOf<'startProof'>;

const kindWords = { passkey: 'Passkey', code: 'Code', password: 'Password' } as const satisfies Record<Kind, string>;
/** The strongest first: it is the one that is offered. */
const order: readonly Kind[] = ['passkey', 'code', 'password'];

export interface ProofDialogProps {
  title: ReactNode;
  description?: ReactNode;
  /** What the button says: the verb. */
  verb: string;
  danger?: boolean;
  wide?: boolean;
  /** Whether what the dialog asks besides is filled in. */
  ready?: boolean;
  /** Does what the proof is for. The dialog is busy until it settles, and shows why it could not. */
  onProof: (proof: Proof) => Promise<unknown>;
  onClose: () => void;
  /** What is asked besides, or said. */
  children?: ReactNode;
}

export function ProofDialog({ title, description, wide = false, onClose, ...rest }: ProofDialogProps) {
  // Its passkey options work once and for a few minutes: never taken from a cache.
  const proofs = useQuery({
    queryKey: ['startProof', useId()],
    queryFn: () => call('startProof', {}),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  return (
    <Dialog open onClose={onClose} title={title} description={description} wide={wide}>
      <Loaded query={proofs} lines={2}>
        {(data) => <ProofForm proofs={data} onSpent={() => void proofs.refetch()} onClose={onClose} {...rest} />}
      </Loaded>
    </Dialog>
  );
}

interface ProofFormProps extends Omit<ProofDialogProps, 'title' | 'description' | 'wide'> {
  proofs: Proofs;
  onSpent: () => void;
}

function ProofForm({ proofs, verb, danger, ready = true, onProof, onSpent, onClose, children }: ProofFormProps) {
  const kinds = order.filter(
    (kind) => proofs.kinds.includes(kind) && (kind !== 'passkey' || (proofs.options !== null && supportsPasskeys())),
  );
  const [chosen, setChosen] = useState<Kind>();
  const kind = chosen ?? kinds[0] ?? 'password';
  const [code, setCode] = useState('');
  const [password, setPassword] = useState('');
  const prove = useWork(async () => {
    try {
      await onProof(await makeProof());
    } catch (error) {
      setCode('');
      if (kind === 'passkey') onSpent();
      throw error;
    }
  }, []);
  const makeProof = async (): Promise<Proof> => {
    if (kind === 'code') return { kind, code };
    if (kind === 'password' || proofs.options === null) return { kind: 'password', password };
    return { kind, response: await answerWithPasskey(proofs.options) };
  };
  const given = kind === 'code' ? code.length === 6 : kind === 'password' ? password !== '' : true;
  return (
    <Form label="Confirm that it is you" error={prove.error} onSubmit={() => prove.mutate(undefined)}>
      {children}
      {kinds.length > 1 && (
        <Segmented
          label="Confirm with"
          value={kind}
          onChange={setChosen}
          options={kinds.map((each) => [each, kindWords[each]] as const)}
        />
      )}
      {kind === 'code' && (
        <CodeField label="Code of your authenticator app" autoFocus value={code} onChange={setCode} />
      )}
      {kind === 'password' && (
        <PasswordField label="Your password" autoFocus={!children} value={password} onChange={setPassword} />
      )}
      {kind === 'passkey' && <p className="text-sm text-dim">Your browser asks for the passkey next.</p>}
      <DialogButtons>
        <Button kind="quiet" onClick={onClose}>
          Cancel
        </Button>
        <Button
          type="submit"
          kind={danger ? 'danger' : 'primary'}
          icon={kind === 'passkey' ? Fingerprint : undefined}
          busy={prove.isPending}
          disabled={!ready || !given}
        >
          {verb}
        </Button>
      </DialogButtons>
    </Form>
  );
}
