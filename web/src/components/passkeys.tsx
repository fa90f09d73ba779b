/** One's own passkeys: look at them, add one, remove one. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Fingerprint, Lock, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { deviceName, type Passkey, supportsPasskeys } from '../api/passkeys.ts';
import { query, useOperation } from '../api/queries.ts';
import { Badge } from '../ui/badge.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { NameField } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Row, Rows } from '../ui/rows.tsx';
import { When } from '../ui/time.tsx';
import { useAddPasskey } from './add-passkey.ts';
import { Loaded } from './loaded.tsx';
import { ProofDialog } from './proof-dialog.tsx';

export function Passkeys() {
  const passkeys = useQuery(query('listPasskeys', {}));
  const lock = useQuery(query('getLock', {}));
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Passkey | null>(null);
  const remove = useOperation('removePasskey', ['listPasskeys', 'getMe', 'listPeople']);
  const inLock = (key: string) => lock.data?.state?.keys.some((it) => it.key === key) ?? false;
  const possible = passkeys.data?.impossible_because === null && supportsPasskeys();
  return (
    <Section
      title="Passkeys"
      hint="They sign you in without a password, cannot be phished, and sign approvals so that a locked server can check them itself."
      aside={
        possible && (
          <Button size="sm" icon={Plus} onClick={() => setAdding(true)}>
            Add a passkey
          </Button>
        )
      }
    >
      <Loaded query={passkeys}>
        {({ passkeys: all, impossible_because: why }) => (
          <div className="space-y-3">
            {(why !== null || !supportsPasskeys()) && (
              <Notice tone="warn" title="Passkeys do not work here.">
                {why ?? 'This browser offers none on this address: it must be reached with https, or on localhost.'}
              </Notice>
            )}
            {all.length > 0 ? (
              <Rows label="Passkeys">
                {all.map((passkey) => (
                  <Row
                    key={passkey.id}
                    title={passkey.name}
                    marks={
                      inLock(passkey.key) && (
                        <Badge tone="ok" icon={Lock}>
                          In the lock
                        </Badge>
                      )
                    }
                    about={<AboutPasskey passkey={passkey} />}
                    aside={
                      <IconButton
                        icon={Trash2}
                        label={`Remove the passkey ${passkey.name}`}
                        onClick={() => setRemoving(passkey)}
                      />
                    }
                  />
                ))}
              </Rows>
            ) : (
              possible && (
                <p className="flex items-center gap-2 text-dim">
                  <Fingerprint aria-hidden className="size-4 text-faint" /> You have none yet.
                </p>
              )
            )}
          </div>
        )}
      </Loaded>
      {adding && <AddPasskey onClose={() => setAdding(false)} />}
      {removing && (
        <ProofDialog
          title={`Remove the passkey ${removing.name}?`}
          verb="Remove"
          danger
          onProof={(proof) => remove.mutateAsync({ passkey: removing.id, proof }).then(() => setRemoving(null))}
          onClose={() => setRemoving(null)}
        >
          <p className="text-sm text-dim">
            It no longer signs you in.{' '}
            {inLock(removing.key) && (
              <>
                It stays in the lock until a signed change takes it out there: see{' '}
                <Link to="/lock" className="underline underline-offset-2">
                  Lock
                </Link>
                .
              </>
            )}
          </p>
        </ProofDialog>
      )}
    </Section>
  );
}

function AboutPasskey({ passkey: { created_at, last_used_at } }: { passkey: Passkey }) {
  return (
    <>
      made <When at={created_at} /> ·{' '}
      {last_used_at ? (
        <>
          last used <When at={last_used_at} />
        </>
      ) : (
        'never used'
      )}
    </>
  );
}

function AddPasskey({ onClose }: { onClose: () => void }) {
  const add = useAddPasskey();
  const [name, setName] = useState(deviceName);
  return (
    <ProofDialog
      title="Add a passkey"
      description="First confirm that it is you; then the browser makes the passkey."
      verb="Make a passkey"
      ready={name.trim() !== ''}
      onProof={(proof) => add.mutateAsync({ name, proof }).then(onClose)}
      onClose={onClose}
    >
      <NameField label="Name of the passkey" hint="Where it is kept." value={name} onChange={setName} />
    </ProofDialog>
  );
}
