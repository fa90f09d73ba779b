/** Adds a server: a name, then one command, then watch it arrive. */

import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { serverNameSchema } from '@countersign/protocol/operator-api/people-operations';
import { Link } from '@tanstack/react-router';
import { ChevronLeft } from 'lucide-react';
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { useMay } from '../api/session.ts';
import { Form } from '../components/form.tsx';
import { InstallPanel } from '../components/install-panel.tsx';
import { Button } from '../ui/button.tsx';
import { Card } from '../ui/card.tsx';
import { Field, Input } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';

/** `env=prod, role=web` as a record; null when it is not of that form. */
export function parseLabels(text: string): Record<string, string> | null {
  const parts = text
    .split(/[,\s]+/)
    .filter((part) => part !== '')
    .map((part) => /^([a-z0-9_.-]{1,50})=([^=]{0,100})$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  return Object.fromEntries(parts.map((part) => [part?.[1] ?? '', part?.[2] ?? '']));
}

export function AddServerPage() {
  const mayAdd = useMay('owner');
  const [made, setMade] = useState<OutputOf<'addServer'> | null>(null);
  return (
    <div className="mx-auto max-w-2xl">
      <PageHead
        title={made ? `Add ${made.server.name}` : 'Add a server'}
        tab="Add a server"
        crumb={
          <Link to="/servers" className="inline-flex min-h-6 items-center gap-1 rounded hover:text-ink">
            <ChevronLeft aria-hidden className="size-4" /> Servers
          </Link>
        }
      />
      {!mayAdd ? (
        <Notice tone="warn" title="Owners add servers.">
          Ask an owner for an install command.
        </Notice>
      ) : made ? (
        <Card className="p-4 sm:p-6">
          <InstallPanel enrolment={made} />
        </Card>
      ) : (
        <NameForm onMade={setMade} />
      )}
    </div>
  );
}

function NameForm({ onMade }: { onMade: (enrolment: OutputOf<'addServer'>) => void }) {
  const add = useOperation('addServer', ['listServers', 'getOverview']);
  const [name, setName] = useState('');
  const [labels, setLabels] = useState('');
  const named = serverNameSchema.safeParse(name);
  const labelled = parseLabels(labels);
  return (
    <Card className="p-4 sm:p-6">
      <Form
        onSubmit={() => labelled && add.mutate({ name, labels: labelled }, { onSuccess: onMade })}
        error={add.error}
        label="Add a server"
      >
        <Field
          label="Name"
          hint="As you speak of it: web-1, db.eu, build."
          error={name !== '' && !named.success ? 'Lower-case letters, digits, dots and dashes; up to 63.' : undefined}
        >
          {(props) => (
            <Input
              {...props}
              autoFocus
              required
              mono
              maxLength={63}
              spellCheck={false}
              autoCapitalize="off"
              placeholder="web-1"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field
          label="Labels"
          note="optional"
          hint="For filters and policy rules."
          error={labelled === null ? 'Write name=value, with commas or spaces between.' : undefined}
        >
          {(props) => (
            <Input
              {...props}
              mono
              spellCheck={false}
              autoCapitalize="off"
              placeholder="env=prod, role=web"
              value={labels}
              onChange={(event) => setLabels(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" kind="primary" busy={add.isPending} disabled={!named.success || labelled === null}>
          Make the install command
        </Button>
      </Form>
    </Card>
  );
}
