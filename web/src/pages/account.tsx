/** One's own account: signing in, what counts as an answer, looks, keys. */
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { LogOut, Monitor, Moon, ShieldCheck, Sun } from 'lucide-react';
import { useState } from 'react';
import { call, isFault } from '../api/client.ts';
import { session, useOperation, useWork } from '../api/queries.ts';
import { useMe } from '../api/session.ts';
import { FaultNotice } from '../components/fault-notice.tsx';
import { Form } from '../components/form.tsx';
import { Passkeys } from '../components/passkeys.tsx';
import { TotpSetup } from '../components/totp-setup.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Card, Section } from '../ui/card.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Facts } from '../ui/facts.tsx';
import { PasswordField } from '../ui/field.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Segmented } from '../ui/segmented.tsx';
import { useStored } from '../ui/stored.ts';
import { Switch } from '../ui/switch.tsx';

export function AccountPage() {
  const { person } = useMe();
  const navigate = useNavigate();
  const client = useQueryClient();
  const signOut = useWork(async () => {
    session.leaving = true;
    try {
      await call('signOut', {});
    } catch (error) {
      // Whose session is over is signed out.
      if (!isFault(error, 'unauthenticated')) throw error;
    }
    // Where no answer comes it may be over all the same, which the stream tells then.
    session.leaving = false;
  }, []);
  const leave = () =>
    signOut.mutate(undefined, {
      onSuccess: () => {
        client.clear();
        void navigate({ to: '/sign-in' });
      },
    });
  return (
    <div className="mx-auto max-w-2xl">
      <PageHead
        title="Account"
        tab="Account"
        actions={
          <Button icon={LogOut} busy={signOut.isPending} onClick={leave}>
            Sign out
          </Button>
        }
      />
      <div className="space-y-7">
        <FaultNotice error={signOut.error} />
        <Card className="p-4">
          <Facts
            rows={[
              ['Name', person.name],
              ['E-mail', person.email],
              ['Role', person.role],
              [
                'Telegram',
                <Link key="telegram" to="/telegram" className="rounded underline underline-offset-2">
                  {person.telegram ? person.telegram.name : 'Connect'}
                </Link>,
              ],
            ]}
          />
        </Card>
        <Passkeys />
        <Authenticator />
        <IdeAnswers />
        <Looks />
      </div>
    </div>
  );
}

function Authenticator() {
  const { person } = useMe();
  const [open, setOpen] = useState(false);
  const close = () => setOpen(false);
  return (
    <Section
      title="Authenticator app"
      hint="For devices without a passkey. With it, a stolen password is not enough to sign in, and your approvals count for more."
    >
      <Card className="flex flex-wrap items-center justify-between gap-3 p-4">
        {person.totp ? (
          <Badge tone="ok" icon={ShieldCheck}>
            On
          </Badge>
        ) : (
          <Badge>Off</Badge>
        )}
        <Button onClick={() => setOpen(true)}>{person.totp ? 'Set up another' : 'Set up'}</Button>
      </Card>
      <Dialog
        open={open}
        onClose={close}
        title="Authenticator app"
        description="A new secret replaces the one before once it is confirmed."
      >
        {open && <TotpSetup onDone={close} onSkip={close} skipWord="Cancel" />}
      </Dialog>
    </Section>
  );
}

function IdeAnswers() {
  const { person } = useMe();
  const set = useOperation('setIdeAnswers', ['getMe']);
  const [wanted, setWanted] = useState<boolean | null>(null);
  const [password, setPassword] = useState('');
  const close = () => {
    setWanted(null);
    setPassword('');
    set.reset();
  };
  return (
    <Section title="Answers in the IDE">
      <Card className="p-4">
        <Switch
          label="My answers to prompts in the IDE count, for low risk"
          hint="Off is safer: a client program can answer such a prompt by itself, without you. Each such answer is marked in the audit log."
          on={person.ide_answers}
          onChange={setWanted}
        />
      </Card>
      <Dialog
        open={wanted !== null}
        onClose={close}
        title={wanted ? 'Let answers in the IDE count?' : 'No longer count answers in the IDE?'}
        description="Your password confirms that it is you."
      >
        <Form
          label="Confirm"
          error={set.error}
          onSubmit={() => wanted !== null && set.mutate({ on: wanted, password }, { onSuccess: close })}
        >
          <PasswordField autoFocus value={password} onChange={setPassword} />
          <DialogButtons>
            <Button kind="quiet" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" kind="primary" busy={set.isPending} disabled={password === ''}>
              {wanted ? 'Let them count' : 'Turn it off'}
            </Button>
          </DialogButtons>
        </Form>
      </Dialog>
    </Section>
  );
}

function Looks() {
  const [theme, setTheme] = useStored('theme');
  const [keys, setKeys] = useStored('single-keys');
  const chooseTheme = (chosen: string) => {
    setTheme(chosen === 'system' ? null : chosen);
    dispatchEvent(new Event('theme')); // theme.js listens
  };
  return (
    <Section title="This browser">
      <Card className="divide-y divide-line">
        <div className="flex flex-wrap items-center justify-between gap-3 p-4">
          <span className="text-sm font-medium">Theme</span>
          <Segmented
            label="Theme"
            value={theme ?? 'system'}
            onChange={chooseTheme}
            options={[
              ['system', <Label key="system" icon={Monitor} text="System" />],
              ['light', <Label key="light" icon={Sun} text="Light" />],
              ['dark', <Label key="dark" icon={Moon} text="Dark" />],
            ]}
          />
        </div>
        <div className="p-4">
          <Switch
            label="Single-key shortcuts"
            hint="j, k, a, r and so on. Turn them off when you dictate, or press keys by accident."
            on={keys !== 'off'}
            onChange={(on) => setKeys(on ? null : 'off')}
          />
        </div>
      </Card>
    </Section>
  );
}

function Label({ icon: Icon, text }: { icon: typeof Sun; text: string }) {
  return (
    <>
      <Icon aria-hidden className="size-3.5" /> {text}
    </>
  );
}
