/** Who works here, and what they may do. */
import type { OutputOf, Role } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Send, ShieldCheck, Trash2, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { query, useOperation } from '../api/queries.ts';
import { useMay, useMe } from '../api/session.ts';
import { Confirm } from '../components/confirm.tsx';
import { Form } from '../components/form.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Command } from '../ui/copy.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Field, Input, Select } from '../ui/field.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Row, Rows } from '../ui/rows.tsx';
import { When } from '../ui/time.tsx';

type Person = OutputOf<'listPeople'>['people'][number];

const roleWords = {
  viewer: 'Viewer: looks, and asks',
  approver: 'Approver: also decides',
  owner: 'Owner: also adds servers and people',
} as const satisfies Record<Role, string>;

export function PeoplePage() {
  const people = useQuery(query('listPeople', {}));
  const owner = useMay('owner');
  const me = useMe().person;
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Person | null>(null);
  const remove = useOperation('removePerson', ['listPeople']);
  return (
    <>
      <PageHead
        title="People"
        tab="People"
        actions={
          owner && (
            <Button kind="primary" icon={UserPlus} onClick={() => setInviting(true)}>
              Invite
            </Button>
          )
        }
      />
      <Loaded query={people}>
        {({ people: all }) => (
          <Rows label="People">
            {all.map((person) => (
              <Row
                key={person.id}
                title={person.name}
                marks={<Marks person={person} />}
                about={`${person.email}${person.id === me.id ? ' · you' : ''}`}
                aside={
                  owner &&
                  person.id !== me.id && (
                    <IconButton icon={Trash2} label={`Remove ${person.name}`} onClick={() => setRemoving(person)} />
                  )
                }
              />
            ))}
          </Rows>
        )}
      </Loaded>
      <p className="mt-3 text-sm text-dim">To change somebody’s role, remove and invite them again.</p>
      {inviting && <Invite onClose={() => setInviting(false)} />}
      <Confirm
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={`Remove ${removing?.name ?? ''}?`}
        verb="Remove"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => removing && remove.mutate({ person: removing.id }, { onSuccess: () => setRemoving(null) })}
      >
        Sessions, tokens and the Telegram link of {removing?.name} end at once. What they did stays in the audit log.
      </Confirm>
    </>
  );
}

function Marks({ person: { role, totp, telegram } }: { person: Person }) {
  return (
    <>
      <Badge tone={role === 'viewer' ? 'idle' : 'accent'}>
        <span className="capitalize">{role}</span>
      </Badge>
      {totp && (
        <Badge tone="ok" icon={ShieldCheck}>
          Authenticator app
        </Badge>
      )}
      {telegram && (
        <Badge tone="info" icon={Send}>
          {telegram.name}
        </Badge>
      )}
    </>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const invite = useOperation('invitePerson', ['listPeople']);
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('approver');
  if (invite.data)
    return (
      <Dialog open onClose={onClose} title={`Invitation for ${invite.data.person.name}`}>
        <div className="space-y-3">
          <p className="text-dim">
            Send this link by a way that only {invite.data.person.name} reads. It works once and ends{' '}
            <When at={invite.data.expires_at} />.
          </p>
          <Command text={invite.data.link} label="Invitation link" />
        </div>
        <DialogButtons>
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </DialogButtons>
      </Dialog>
    );
  return (
    <Dialog open onClose={onClose} title="Invite a person">
      <Form label="Invite" error={invite.error} onSubmit={() => invite.mutate({ email, name, role })}>
        <Field label="Name">
          {(props) => (
            <Input
              {...props}
              autoFocus
              required
              maxLength={100}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="E-mail" hint="To sign in with; nothing is sent.">
          {(props) => (
            <Input
              {...props}
              type="email"
              required
              maxLength={200}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Field label="Role">
          {(props) => (
            <Select
              {...props}
              className="w-full"
              value={role}
              onChange={(event) => setRole(event.target.value as Role)}
            >
              {Object.entries(roleWords).map(([id, words]) => (
                <option key={id} value={id}>
                  {words}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <DialogButtons>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" busy={invite.isPending}>
            Make the link
          </Button>
        </DialogButtons>
      </Form>
    </Dialog>
  );
}
