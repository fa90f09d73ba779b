/** Signs a person in. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { isFault } from '../api/client.ts';
import { query, useOperation } from '../api/queries.ts';
import { Door } from '../components/door.tsx';
import { Form } from '../components/form.tsx';
import { Button } from '../ui/button.tsx';
import { Field, Input, PasswordInput } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';

export function SignInPage() {
  const { next } = useSearch({ from: '/sign-in' });
  const router = useRouter();
  const client = useQueryClient();
  const setup = useQuery(query('getSetup', {}));
  const signIn = useOperation('signIn');
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [asksCode, setAsksCode] = useState(false);
  const submit = () =>
    signIn.mutate(
      { email, password, ...(asksCode && code !== '' ? { code } : {}) },
      {
        onSuccess: () => {
          client.clear();
          router.history.push(next ?? '/');
        },
        onError: (error) => {
          if (isFault(error, 'code_required')) setAsksCode(true);
        },
      },
    );
  return (
    <Door title="Sign in">
      {setup.data?.needed ? (
        <Notice title="Nobody has an account yet.">
          Open the setup link that the control plane printed when it started. It works once, for 15 minutes; a restart
          prints a new one.
        </Notice>
      ) : (
        <Form label="Sign in" error={isFault(signIn.error, 'code_required') ? null : signIn.error} onSubmit={submit}>
          <Field label="E-mail">
            {(props) => (
              <Input
                {...props}
                autoFocus
                type="email"
                required
                autoComplete="username"
                value={email}
                onChange={(event) => setEmail(event.target.value)}
              />
            )}
          </Field>
          <Field label="Password">
            {(props) => (
              <PasswordInput
                {...props}
                required
                autoComplete="current-password"
                value={password}
                onChange={(event) => setPassword(event.target.value)}
              />
            )}
          </Field>
          {asksCode && (
            <Field label="Code of your authenticator app">
              {(props) => (
                <Input
                  {...props}
                  autoFocus
                  mono
                  required
                  inputMode="numeric"
                  autoComplete="one-time-code"
                  pattern="\d{6}"
                  maxLength={6}
                  value={code}
                  onChange={(event) => setCode(event.target.value.replace(/\D/g, ''))}
                />
              )}
            </Field>
          )}
          <Button type="submit" kind="primary" size="lg" className="w-full" busy={signIn.isPending}>
            Sign in
          </Button>
        </Form>
      )}
    </Door>
  );
}
