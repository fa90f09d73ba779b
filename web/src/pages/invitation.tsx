/** An invited person chooses a password. */
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { Door } from '../components/door.tsx';
import { Form } from '../components/form.tsx';
import { NewPassword, PASSWORD_MIN } from '../components/new-password.tsx';
import { SignInOffers } from '../components/sign-in-offers.tsx';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';

export function InvitationPage() {
  const navigate = useNavigate();
  const [secret] = useState(() => location.hash.slice(1));
  const accept = useOperation('acceptInvitation', ['getMe']);
  const [password, setPassword] = useState('');
  const go = () => void navigate({ to: '/', replace: true });
  if (accept.data)
    return <SignInOffers password={password} greeting={`Welcome, ${accept.data.person.name}`} onDone={go} />;
  return (
    <Door title="You are invited" lead="Choose a password to sign in with.">
      {secret === '' ? (
        <Notice tone="warn" title="This page needs the secret of the invitation.">
          Open the whole link that you were sent. It works once.
        </Notice>
      ) : (
        <Form label="Invitation" error={accept.error} onSubmit={() => accept.mutate({ secret, password })}>
          <NewPassword value={password} onChange={setPassword} />
          <Button
            type="submit"
            kind="primary"
            size="lg"
            className="w-full"
            busy={accept.isPending}
            disabled={password.length < PASSWORD_MIN}
          >
            Join
          </Button>
        </Form>
      )}
    </Door>
  );
}
