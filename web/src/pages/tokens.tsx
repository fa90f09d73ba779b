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
import { SecretOnce } from '../components/secret-once.tsx';
import { Badge } from '../ui/badge.tsx';
import { Button, buttonClass, IconButton } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Empty } from '../ui/empty.tsx';
import { Field, Input, Select } from '../ui/field.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Cell, Table } from '../ui/table.tsx';
import { When } from '../ui/time.tsx';

type Token = OutputOf<'listTokens'>['tokens'][number];

export function TokensPage() {
  const tokens = useQuery(query('listTokens', {}));
  const [making, setMaking] = useState(false);
  const [ending, setEnding] = useState<Token | null>(null);
  const revoke = useOperation('revokeToken', ['listTokens']);
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
            <Table
              label="Tokens"
              head={[
                'Name',
                'May',
                'Made',
                'Last used',
                'Ends',
                <span key="do" className="sr-only">
                  End it
                </span>,
              ]}
            >
              {all.map((token) => (
                <tr key={token.id}>
                  <Cell>
                    <span className="font-medium">{token.name}</span>
                    <span className="block font-mono text-xs text-faint">{token.id}</span>
                  </Cell>
                  <Cell>
                    {token.scope === 'read' ? <Badge>Read</Badge> : <Badge tone="accent">Read and ask</Badge>}
                  </Cell>
                  <Cell>
                    <When at={token.created_at} />
                  </Cell>
                  <Cell>
                    {token.last_used_at ? <When at={token.last_used_at} /> : <span className="text-faint">never</span>}
                    {token.last_client && <span className="block text-xs text-dim">{token.last_client}</span>}
                  </Cell>
                  <Cell>
                    {token.expires_at ? (
                      <When at={token.expires_at} />
                    ) : (
                      <span className="text-faint">not by itself</span>
                    )}
                  </Cell>
                  <Cell className="text-right">
                    <IconButton icon={Trash2} label={`End the token ${token.name}`} onClick={() => setEnding(token)} />
                  </Cell>
                </tr>
              ))}
            </Table>
          )
        }
      </Loaded>
      {making && <MakeToken onClose={() => setMaking(false)} />}
      <Confirm
        open={ending !== null}
        onClose={() => setEnding(null)}
        title={`End the token ${ending?.name ?? ''}?`}
        verb="End it"
        busy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => ending && revoke.mutate({ token: ending.id }, { onSuccess: () => setEnding(null) })}
      >
        The assistant that uses it is refused from its next call on. What it asked for stays.
      </Confirm>
    </>
  );
}

function MakeToken({ onClose }: { onClose: () => void }) {
  const make = useOperation('createToken', ['listTokens', 'getOverview']);
  const [name, setName] = useState('');
  const [scope, setScope] = useState<Token['scope']>('request');
  const [days, setDays] = useState('');
  return (
    <Dialog open onClose={onClose} title={make.isSuccess ? `Token ${name}` : 'New token'}>
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
          onSubmit={() => make.mutate({ name, scope, ...(days === '' ? {} : { days: Number(days) }) })}
        >
          <Field label="Name" hint="Where it is used: claude-code on my laptop.">
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
          <Field label="It may">
            {(props) => (
              <Select
                {...props}
                className="w-full"
                value={scope}
                onChange={(event) => setScope(event.target.value as Token['scope'])}
              >
                <option value="request">Read, and ask for changes</option>
                <option value="read">Read only</option>
              </Select>
            )}
          </Field>
          <Field label="Ends after" note="optional">
            {(props) => (
              <Select {...props} className="w-full" value={days} onChange={(event) => setDays(event.target.value)}>
                <option value="">Not by itself</option>
                <option value="1">1 day</option>
                <option value="7">7 days</option>
                <option value="30">30 days</option>
                <option value="90">90 days</option>
                <option value="365">1 year</option>
              </Select>
            )}
          </Field>
          <DialogButtons>
            <Button kind="quiet" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" kind="primary" busy={make.isPending} disabled={name.trim() === ''}>
              Make it
            </Button>
          </DialogButtons>
        </Form>
      )}
    </Dialog>
  );
}
