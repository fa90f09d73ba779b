/** Tokens of assistants. They can read and ask, never decide. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { KeyRound, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { query, useOperation } from '../api/queries.ts';
import { Confirm } from '../components/confirm.tsx';
import { Form } from '../components/form.tsx';
import { Loaded } from '../components/loaded.tsx';
import { useProved } from '../components/proved.tsx';
import { SecretOnce } from '../components/secret-once.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button, buttonClass, IconButton } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Empty } from '../ui/empty.tsx';
import { NameField, SelectField } from '../ui/field.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Row, Rows } from '../ui/rows.tsx';
import { When } from '../ui/time.tsx';

type Token = OutputOf<'listTokens'>['tokens'][number];

const scopeWords = {
  request: 'Read, and ask for changes',
  read: 'Read only',
} as const satisfies Record<Token['scope'], string>;
// Not bare numbers: an object puts those first, whatever order they are written in.
const lastingWords = {
  ever: 'Not by itself',
  d1: '1 day',
  d7: '7 days',
  d30: '30 days',
  d90: '90 days',
  d365: '1 year',
} as const;

export function TokensPage() {
  const tokens = useQuery(query('listTokens', {}));
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  return (
    <>
      <PageHead
        title="Tokens"
        tab="Tokens"
        lead="What assistants sign in with. A token can read and ask; deciding always takes a person."
        actions={
          <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
            New token
          </Button>
        }
      />
      <Loaded query={tokens}>
        {({ tokens: all }) =>
          all.length === 0 ? (
            <Empty
              icon={KeyRound}
              title="No tokens yet"
              action={
                <Link to="/connect" className={buttonClass('primary')}>
                  Connect your assistant
                </Link>
              }
            >
              The connect page makes one and writes it into the command for you.
            </Empty>
          ) : (
            <Rows label="Tokens">
              {all.map((token) => (
                <Row
                  key={token.id}
                  title={token.name}
                  marks={token.scope === 'read' ? <Badge>Reads</Badge> : <Badge tone="accent">Reads and asks</Badge>}
                  about={<AboutToken token={token} />}
                  aside={
                    <IconButton icon={Trash2} label={`End the token ${token.name}`} onClick={() => setEnding(token)} />
                  }
                />
              ))}
            </Rows>
          )
        }
      </Loaded>
      {making && <MakeToken onClose={() => setMaking(false)} />}
      {ending && <EndToken key={ending.id} token={ending} onClose={() => setEnding(null)} />}
    </>
  );
}

function AboutToken({ token }: { token: Token }) {
  return (
    <>
      made <When at={token.created_at} /> ·{' '}
      {token.last_used_at ? (
        <>
          last used <When at={token.last_used_at} />
          {token.last_client && ` by ${token.last_client}`}
        </>
      ) : (
        'never used'
      )}
      {token.expires_at && (
        <>
          {' '}
          · ends <When at={token.expires_at} />
        </>
      )}
    </>
  );
}

/** The question about one token: what came of it is its own, also when the answer comes after the question about the next one. */
function EndToken({ token, onClose }: { token: Token; onClose: () => void }) {
  const revoke = useOperation('revokeToken', ['listTokens']);
  return (
    <Confirm
      open
      onClose={onClose}
      title={`End the token ${token.name}?`}
      verb="End it"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate({ token: token.id }, { onSuccess: onClose })}
    >
      The assistant that uses it is refused from its next call on. What it asked for stays.
    </Confirm>
  );
}

function MakeToken({ onClose }: { onClose: () => void }) {
  const make = useProved('createToken', ['listTokens', 'getOverview', 'listAmendments'], {
    title: 'New token',
    verb: 'Make it',
  });
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Token['scope']>('request');
  const [lasts, setLasts] = useState<keyof typeof lastingWords>('ever');
  return (
    <Dialog open onClose={onClose} stays={make.isPending} title={make.data ? `Token ${name}` : 'New token'}>
      {make.data ? (
        <SecretOnce secret={make.data.secret} label="Token">
          <DialogButtons>
            <Button kind="primary" onClick={onClose}>
              Done
            </Button>
          </DialogButtons>
        </SecretOnce>
      ) : (
        <Form
          label="New token"
          error={make.error}
          onSubmit={() => make.run({ name, scope, ...(lasts === 'ever' ? {} : { days: Number(lasts.slice(1)) }) })}
        >
          <NameField hint="Where it is used: claude-code on my laptop." autoFocus value={name} onChange={setName} />
          <SelectField label="It may" value={scope} onChange={setScope} options={scopeWords} />
          <SelectField label="Ends after" note="optional" value={lasts} onChange={setLasts} options={lastingWords} />
          <DialogButtons>
            <Button kind="quiet" disabled={make.isPending} onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" kind="primary" busy={make.isPending} disabled={name.trim() === ''}>
              Make it
            </Button>
          </DialogButtons>
        </Form>
      )}
      {make.dialog}
    </Dialog>
  );
}
