/** Addresses at which Alertmanager and Grafana bring alerts in. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { query, useOperation } from '../api/queries.ts';
import { useMay } from '../api/session.ts';
import { Badge } from '../ui/badge.tsx';
import { Button, IconButton } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { Command } from '../ui/copy.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { NameField, SelectField } from '../ui/field.tsx';
import { Row, Rows } from '../ui/rows.tsx';
import { When } from '../ui/time.tsx';
import { Confirm } from './confirm.tsx';
import { Form } from './form.tsx';
import { Loaded } from './loaded.tsx';
import { SecretOnce } from './secret-once.tsx';

type Hook = OutputOf<'listHooks'>['hooks'][number];
const kinds = { alertmanager: 'Alertmanager', grafana: 'Grafana' } as const satisfies Record<Hook['kind'], string>;

export function Webhooks() {
  const hooks = useQuery(query('listHooks', {}));
  const owner = useMay('owner');
  const [making, setMaking] = useState(false);
  const [removing, setRemoving] = useState<Hook | null>(null);
  return (
    <Section
      title="Webhooks"
      hint="Alerts of your monitoring appear here beside those of the agents, and assistants see them too."
      aside={
        owner && (
          <Button size="sm" icon={Plus} onClick={() => setMaking(true)}>
            Add a webhook
          </Button>
        )
      }
    >
      <Loaded query={hooks}>
        {({ hooks: all }) =>
          all.length === 0 ? (
            <p className="text-dim">None yet.</p>
          ) : (
            <Rows label="Webhooks">
              {all.map((hook) => (
                <Row
                  key={hook.id}
                  title={hook.name}
                  marks={<Badge>{kinds[hook.kind]}</Badge>}
                  about={
                    <>
                      made <When at={hook.created_at} /> ·{' '}
                      {hook.last_used_at ? (
                        <>
                          last used <When at={hook.last_used_at} />
                        </>
                      ) : (
                        'never used'
                      )}
                    </>
                  }
                  aside={
                    owner && (
                      <IconButton icon={Trash2} label={`Remove ${hook.name}`} onClick={() => setRemoving(hook)} />
                    )
                  }
                />
              ))}
            </Rows>
          )
        }
      </Loaded>
      {making && <MakeHook onClose={() => setMaking(false)} />}
      {removing && <RemoveHook key={removing.id} hook={removing} onClose={() => setRemoving(null)} />}
    </Section>
  );
}

function RemoveHook({ hook, onClose }: { hook: Hook; onClose: () => void }) {
  const remove = useOperation('removeHook', ['listHooks']);
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Remove the webhook ${hook.name}?`}
      verb="Remove"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ hook: hook.id }, { onSuccess: onClose })}
    >
      Alerts sent to its address are refused from now on.
    </Confirm>
  );
}

function MakeHook({ onClose }: { onClose: () => void }) {
  const make = useOperation('createHook', ['listHooks']);
  const [name, setName] = useState('');
  const [kind, setKind] = useState<Hook['kind']>('alertmanager');
  return (
    <Dialog
      open
      onClose={onClose}
      wide={make.isSuccess}
      stays={make.isPending}
      title={make.isSuccess ? `Webhook ${name}` : 'Add a webhook'}
    >
      {make.data ? (
        <SecretOnce secret={make.data.secret} label="Secret">
          <Command
            text={kind === 'alertmanager' ? alertmanagerConfig(make.data) : make.data.url}
            label={kind === 'alertmanager' ? 'alertmanager.yml' : 'URL'}
            wrap={false}
          />
          {kind === 'grafana' && (
            <p className="text-sm text-dim">
              In Grafana: Alerting, Contact points, Webhook. URL as above; authorization scheme “Bearer”, credentials
              the secret.
            </p>
          )}
          <DialogButtons>
            <Button kind="primary" onClick={onClose}>
              Done
            </Button>
          </DialogButtons>
        </SecretOnce>
      ) : (
        <Form onSubmit={() => make.mutate({ name, kind })} error={make.error} label="Add a webhook">
          <NameField autoFocus value={name} onChange={setName} />
          <SelectField label="From" value={kind} onChange={setKind} options={kinds} />
          <DialogButtons>
            <Button kind="quiet" disabled={make.isPending} onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" kind="primary" busy={make.isPending} disabled={name.trim() === ''}>
              Add
            </Button>
          </DialogButtons>
        </Form>
      )}
    </Dialog>
  );
}

const alertmanagerConfig = ({ url, secret }: { url: string; secret: string }) => `receivers:
  - name: countersign
    webhook_configs:
      - url: ${url}
        send_resolved: true
        http_config:
          authorization:
            type: Bearer
            credentials: ${secret}`;
