/** Asks what to change in the lock: another key, or other numbers of signatures. */
import { approverKeySchema } from '@countersign/protocol/approver';
import { type LockChange, type LockState, lockSignaturesSchema } from '@countersign/protocol/lock';
import { useState } from 'react';
import type { Passkey } from '../../api/passkeys.ts';
import { useMe } from '../../api/session.ts';
import { Button } from '../../ui/button.tsx';
import { Dialog, DialogButtons } from '../../ui/dialog.tsx';
import { NameField, SelectField, TextField } from '../../ui/field.tsx';
import { Form } from '../form.tsx';
import { needs, needWords } from './describe-change.ts';

export type WhatChanges = LockChange['change'];

interface AddKeyProps {
  /** The person's passkeys that are not in the lock. */
  passkeys: readonly Passkey[];
  onChosen: (change: WhatChanges) => void;
  onClose: () => void;
}

const OTHER = 'other';

export function AddKey({ passkeys, onChosen, onClose }: AddKeyProps) {
  const { person } = useMe();
  const [which, setWhich] = useState(passkeys[0]?.id ?? OTHER);
  const [text, setText] = useState('');
  const [holder, setHolder] = useState(passkeys.length > 0 ? person.name : '');
  const key = passkeys.find(({ id }) => id === which)?.key ?? text.trim();
  const known = approverKeySchema.safeParse(key).success;
  return (
    <Dialog
      open
      onClose={onClose}
      title="Add a key to the lock"
      description="Two keys of one holder count once. The present holders sign the change."
    >
      <Form label="Add a key" onSubmit={() => onChosen({ kind: 'add', key: { key, holder: holder.trim() } })}>
        <SelectField
          label="Key"
          value={which}
          onChange={setWhich}
          options={{
            ...Object.fromEntries(passkeys.map(({ id, name }) => [id, `My passkey “${name}”`])),
            [OTHER]: 'Another public key',
          }}
        />
        {which === OTHER && (
          <TextField
            label="Public key"
            hint="As `countersign key show` or `countersign passkeys` prints it: ed25519:… or passkey:…"
            error={text !== '' && !known ? 'This is no public key of an approver.' : undefined}
            mono
            required
            spellCheck={false}
            value={text}
            onChange={setText}
          />
        )}
        <NameField label="Holder" hint="Whose key it is." value={holder} onChange={setHolder} />
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" disabled={!known || holder.trim() === ''}>
            Go on
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}

interface RequireProps {
  state: LockState;
  onChosen: (change: WhatChanges) => void;
  onClose: () => void;
}

export function RequireNumbers({ state, onChosen, onClose }: RequireProps) {
  const [signatures, setSignatures] = useState(state.signatures);
  const most = new Set(state.keys.map(({ holder }) => holder)).size;
  // Words as keys: an object puts bare numbers first, whatever order they are written in.
  const counts = Object.fromEntries(Array.from({ length: most }, (_, at) => [`of${at + 1}`, `${at + 1} of ${most}`]));
  return (
    <Dialog open onClose={onClose} title="How many holders must sign">
      <Form
        label="How many must sign"
        onSubmit={() => onChosen({ kind: 'require', signatures: lockSignaturesSchema.parse(signatures) })}
      >
        {needs.map((need) => (
          <SelectField
            key={need}
            label={needWords[need]}
            value={`of${signatures[need]}`}
            onChange={(chosen) => setSignatures({ ...signatures, [need]: Number(chosen.slice(2)) })}
            options={counts}
          />
        ))}
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button
            type="submit"
            kind="primary"
            disabled={needs.every((need) => signatures[need] === state.signatures[need])}
          >
            Go on
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
