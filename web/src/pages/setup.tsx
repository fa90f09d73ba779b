/** Makes the first owner, with the secret of the link that the control plane printed. */
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { query, useOperation } from '../api/queries.ts';
import { Door } from '../components/door.tsx';
import { Form } from '../components/form.tsx';
import { Loaded } from '../components/loaded.tsx';
import { NewPassword, PASSWORD_MIN } from '../components/new-password.tsx';
import { SignInOffers } from '../components/sign-in-offers.tsx';
import { Button, buttonClass } from '../ui/button.tsx';
import { NameField, TextField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';

export function SetupPage() {
  const navigate = useNavigate();
  const setup = useQuery(query('getSetup', {}));
  const [secret] = useState(() => location.hash.slice(1));
  const [password, setPassword] = useState<string | null>(null);
  if (password !== null)
    return <SignInOffers password={password} onDone={() => void navigate({ to: '/', replace: true })} />;
  return (
    <Door title="Welcome" lead="Make the first account: it owns this control plane.">
      <Loaded query={setup}>
        {({ needed }) =>
          needed ? (
            secret === '' ? (
              <Notice tone="warn" title="This page needs the secret of the setup link.">
                Open the whole link that the control plane printed when it started. It works once, for 15 minutes; a
                restart prints a new one.
              </Notice>
            ) : (
              <OwnerForm secret={secret} onMade={setPassword} />
            )
          ) : (
            <Notice
              title="Countersign is set up already."
              aside={
                <Link to="/sign-in" className={buttonClass('primary')}>
                  Sign in
                </Link>
              }
            />
          )
        }
      </Loaded>
    </Door>
  );
}

function OwnerForm({ secret, onMade }: { secret: string; onMade: (password: string) => void }) {
  const setUp = useOperation('setUp', ['getMe']);
  const [name, setName] = useState('');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  return (
    <Form
      label="First account"
      error={setUp.error}
      onSubmit={() => setUp.mutate({ secret, email, name, password }, { onSuccess: () => onMade(password) })}
    >
      <NameField
        hint="As others see it when you decide."
        autoFocus
        autoComplete="name"
        value={name}
        onChange={setName}
      />
      <TextField
        label="E-mail"
        hint="To sign in with; nothing is sent."
        type="email"
        required
        maxLength={200}
        autoComplete="username"
        value={email}
        onChange={setEmail}
      />
      <NewPassword value={password} onChange={setPassword} />
      <Button
        type="submit"
        kind="primary"
        size="lg"
        className="w-full"
        busy={setUp.isPending}
        disabled={name.trim() === '' || email === '' || password.length < PASSWORD_MIN}
      >
        Make the account
      </Button>
    </Form>
  );
}
