/** Offered once to who just chose a password: a passkey, or else an authenticator app. Both can wait. */
import type { Proof } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Fingerprint } from 'lucide-react';
import { useEffect, useState } from 'react';
import { deviceName, loadWebauthn, supportsPasskeys } from '../api/passkeys.ts';
import { query } from '../api/queries.ts';
import { Button } from '../ui/button.tsx';
import { DialogButtons } from '../ui/dialog.tsx';
import { NameField } from '../ui/field.tsx';
import { useAddPasskey } from './add-passkey.ts';
import { Door } from './door.tsx';
import { Form } from './form.tsx';
import { Loaded } from './loaded.tsx';
import { TotpSetup } from './totp-setup.tsx';

interface SignInOffersProps {
  /** The password that was just chosen: the proof that a new passkey asks for. */
  password: string;
  greeting?: string;
  onDone: () => void;
}

export function SignInOffers({ password, greeting, onDone }: SignInOffersProps) {
  const passkeys = useQuery(query('listPasskeys', {}));
  const [app, setApp] = useState(!supportsPasskeys());
  if (app || (passkeys.data && passkeys.data.impossible_because !== null))
    return (
      <Door
        title={greeting ?? 'An authenticator app?'}
        lead="An authenticator app makes a stolen password useless, and your approvals count for more. You can do it later in your account."
      >
        <TotpSetup onDone={onDone} onSkip={onDone} skipWord="Later" />
      </Door>
    );
  return (
    <Door
      title={greeting ?? 'Make a passkey?'}
      lead="A passkey signs you in with a look or a touch, cannot be phished, and gives your approvals the most weight. You can do it later in your account."
    >
      <Loaded query={passkeys}>
        {() => <PasskeyOffer proof={{ kind: 'password', password }} onDone={onDone} onSkip={() => setApp(true)} />}
      </Loaded>
    </Door>
  );
}

function PasskeyOffer({ proof, onDone, onSkip }: { proof: Proof; onDone: () => void; onSkip: () => void }) {
  const add = useAddPasskey();
  const [name, setName] = useState(deviceName);
  useEffect(() => void loadWebauthn(), []);
  return (
    <Form label="Passkey" error={add.error} onSubmit={() => add.mutate({ name, proof }, { onSuccess: onDone })}>
      <NameField label="Name of the passkey" hint="Where it is kept." value={name} onChange={setName} />
      <DialogButtons>
        <Button kind="quiet" onClick={onSkip}>
          Not now
        </Button>
        <Button type="submit" kind="primary" icon={Fingerprint} busy={add.isPending} disabled={name.trim() === ''}>
          Make a passkey
        </Button>
      </DialogButtons>
    </Form>
  );
}
