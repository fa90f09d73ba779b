/** Signs a person in: with a passkey, or with a password and the code of an authenticator app. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { Fingerprint } from 'lucide-react';
import { useEffect, useState } from 'react';
import { call, isFault } from '../api/client.ts';
import { answerWithPasskey, loadWebauthn, supportsPasskeys } from '../api/passkeys.ts';
import { query, useOperation } from '../api/queries.ts';
import { Door } from '../components/door.tsx';
import { FaultNotice } from '../components/fault-notice.tsx';
import { Form } from '../components/form.tsx';
import { Button } from '../ui/button.tsx';
import { CodeField, PasswordField, TextField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';

export function SignInPage() {
  const { next } = useSearch({ from: '/sign-in' });
  const router = useRouter();
  const client = useQueryClient();
  const setup = useQuery(query('getSetup', {}));
  const goOn = () => {
    client.clear();
    router.history.push(next ?? '/');
  };
  if (setup.data?.needed)
    return (
      <Door title="Sign in">
        <Notice title="Nobody has an account yet.">
          Open the setup link that the control plane printed when it started. It works once, for 15 minutes; a restart
          prints a new one.
        </Notice>
      </Door>
    );
  return (
    <Door title="Sign in">
      <WithPasskey onSignedIn={goOn} />
      <WithPassword onSignedIn={goOn} />
    </Door>
  );
}

function WithPasskey({ onSignedIn }: { onSignedIn: () => void }) {
  const start = useQuery({
    queryKey: ['startPasskeySignIn'],
    queryFn: () => call('startPasskeySignIn', {}),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    enabled: supportsPasskeys(),
  });
  const signIn = useMutation({
    mutationFn: async () => {
      // Asked anew: the challenge that came with the page may be too old by now.
      const { options } = await call('startPasskeySignIn', {});
      if (options === null) return;
      await call('signInWithPasskey', { response: await answerWithPasskey(options) });
      onSignedIn();
    },
  });
  useEffect(() => void (supportsPasskeys() && loadWebauthn()), []);
  if (!supportsPasskeys() || start.data?.options === null)
    return (
      <p className="mb-4 text-sm text-dim">
        Passkeys do not work at this address: they need a name, with https or on localhost.
      </p>
    );
  if (start.isPending || start.error) return null;
  return (
    <div className="mb-5 space-y-4">
      <Button
        kind="primary"
        size="lg"
        icon={Fingerprint}
        className="w-full"
        busy={signIn.isPending}
        onClick={() => signIn.mutate()}
      >
        Sign in with a passkey
      </Button>
      <FaultNotice error={signIn.error} />
      <p className="flex items-center gap-3 text-sm text-dim before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
        or with your password
      </p>
    </div>
  );
}

function WithPassword({ onSignedIn }: { onSignedIn: () => void }) {
  const signIn = useOperation('signIn');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [asksCode, setAsksCode] = useState(false);
  const submit = () =>
    signIn.mutate(
      { email, password, ...(asksCode && code !== '' ? { code } : {}) },
      {
        onSuccess: onSignedIn,
        onError: (error) => {
          if (isFault(error, 'code_required')) setAsksCode(true);
        },
      },
    );
  return (
    <Form label="Sign in" error={isFault(signIn.error, 'code_required') ? null : signIn.error} onSubmit={submit}>
      <TextField
        label="E-mail"
        autoFocus
        type="email"
        required
        autoComplete="username"
        value={email}
        onChange={setEmail}
      />
      <PasswordField value={password} onChange={setPassword} />
      {asksCode && <CodeField label="Code of your authenticator app" autoFocus value={code} onChange={setCode} />}
      <Button
        type="submit"
        kind={supportsPasskeys() ? 'plain' : 'primary'}
        size="lg"
        className="w-full"
        busy={signIn.isPending}
      >
        Sign in
      </Button>
    </Form>
  );
}
