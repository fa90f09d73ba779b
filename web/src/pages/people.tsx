/** Who works here, and what they may do. */
import type { AmendmentView, OutputOf, Role } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Fingerprint, Send, ShieldCheck, Trash2, UserCog, UserPlus } from 'lucide-react';
import { useState } from 'react';
import { query, useOperation } from '../api/queries.ts';
import { useMay, useMe } from '../api/session.ts';
import { Confirm } from '../components/confirm.tsx';
import { Form } from '../components/form.tsx';
import { Loaded } from '../components/loaded.tsx';
import { AmendmentOutcome } from '../components/policy/amendments.tsx';
import { ProofDialog } from '../components/proof-dialog.tsx';
import { useProved } from '../components/proved.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Command } from '../ui/copy.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { NameField, SelectField, TextField } from '../ui/field.tsx';
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
  const [changing, setChanging] = useState<Person | null>(null);
  const [changed, setChanged] = useState<AmendmentView | null>(null);
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
                    <>
                      <IconButton
                        icon={UserCog}
                        label={`Change the role of ${person.name}`}
                        onClick={() => setChanging(person)}
                      />
                      <IconButton icon={Trash2} label={`Remove ${person.name}`} onClick={() => setRemoving(person)} />
                    </>
                  )
                }
              />
            ))}
          </Rows>
        )}
      </Loaded>
      {changed && (
        <div className="mt-3">
          <AmendmentOutcome amendment={changed} />
        </div>
      )}
      {changing && (
        <ChangeRole
          person={changing}
          onClose={() => setChanging(null)}
          onDone={(amendment) => {
            setChanged(amendment);
            setChanging(null);
          }}
        />
      )}
      {inviting && <Invite onClose={() => setInviting(false)} />}
      {removing && <RemovePerson key={removing.id} person={removing} onClose={() => setRemoving(null)} />}
    </>
  );
}

function Marks({ person: { role, totp, telegram, passkeys } }: { person: Person }) {
  return (
    <>
      <Badge tone={role === 'viewer' ? 'idle' : 'accent'}>
        <span className="capitalize">{role}</span>
      </Badge>
      {passkeys > 0 && (
        <Badge tone="ok" icon={Fingerprint}>
          {passkeys === 1 ? 'Passkey' : `${passkeys} passkeys`}
        </Badge>
      )}
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

interface RemovePersonProps {
  person: Person;
  onClose: () => void;
}

/** The question about one person: a proof that is asked for later stands under this name, whoever is looked at by then. */
function RemovePerson({ person, onClose }: RemovePersonProps) {
  const title = `Remove ${person.name}?`;
  const remove = useProved('removePerson', ['listPeople', 'listAmendments'], { title, verb: 'Remove' });
  return (
    <>
      <Confirm
        open
        onClose={onClose}
        title={title}
        verb="Remove"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.run({ person: person.id }, onClose)}
      >
        Sessions, tokens and the Telegram link of {person.name} end at once. What they did stays in the audit log.
      </Confirm>
      {remove.dialog}
    </>
  );
}

interface ChangeRoleProps {
  person: Person;
  onClose: () => void;
  onDone: (amendment: AmendmentView) => void;
}

function ChangeRole({ person, onClose, onDone }: ChangeRoleProps) {
  const change = useOperation('changeRole', ['listPeople', 'listAmendments', 'getOverview']);
  const [role, setRole] = useState(person.role);
  return (
    <ProofDialog
      title={`Role of ${person.name}`}
      description="It counts at once, also for sessions that are open."
      verb="Change the role"
      ready={role !== person.role}
      onProof={(proof) =>
        change.mutateAsync({ person: person.id, role, proof }).then(({ amendment }) => onDone(amendment))
      }
      onClose={onClose}
    >
      <SelectField label="Role" value={role} onChange={setRole} options={roleWords} />
    </ProofDialog>
  );
}

function Invite({ onClose }: { onClose: () => void }) {
  const invite = useProved('invitePerson', ['listPeople', 'listAmendments'], {
    title: 'Invite a person',
    verb: 'Make the link',
  });
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
    <Dialog open onClose={onClose} stays={invite.isPending} title="Invite a person">
      <Form label="Invite" error={invite.error} onSubmit={() => invite.run({ email, name, role })}>
        <NameField autoFocus value={name} onChange={setName} />
        <TextField
          label="E-mail"
          hint="To sign in with; nothing is sent."
          type="email"
          required
          maxLength={200}
          value={email}
          onChange={setEmail}
        />
        <SelectField label="Role" value={role} onChange={setRole} options={roleWords} />
        <DialogButtons>
          <Button kind="quiet" disabled={invite.isPending} onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" kind="primary" busy={invite.isPending}>
            Make the link
          </Button>
        </DialogButtons>
      </Form>
      {invite.dialog}
    </Dialog>
  );
}
