/** What the control plane keeps about a server: thresholds of alerts, a new install command, removal. */
import { type Thresholds, thresholdsSchema } from '@countersign/protocol/agent-wire/facts';
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { useMay } from '../api/session.ts';
import { Button } from '../ui/button.tsx';
import { Card, Section } from '../ui/card.tsx';
import { Check, Field, Input } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { Confirm } from './confirm.tsx';
import { FaultNotice } from './fault-notice.tsx';
import { Form } from './form.tsx';
import { InstallPanel } from './install-panel.tsx';

export function ServerSettings({ server }: { server: ServerDetail }) {
  const owner = useMay('owner');
  if (!owner) return <Notice title="Owners change these settings." />;
  return (
    <div className="max-w-3xl space-y-8">
      <Section
        title="When it raises alerts"
        hint="The agent measures and decides by itself; it is told of changes at once."
      >
        <ThresholdsForm server={server} />
      </Section>
      <Section
        title="Install command"
        hint="For a server that never called, or one that was set up anew. Running it again on the same server upgrades the agent in place."
      >
        <Renew server={server} />
      </Section>
      <Section title="Remove" hint="Its key is refused from now on. Actions and audit entries stay.">
        <Remove server={server} />
      </Section>
    </div>
  );
}

const figures = [
  ['diskUsedRatio', 'Disk full above', '%', 100],
  ['memoryUsedRatio', 'Memory used above', '%', 100],
  ['load1PerCpu', 'Load per CPU above', '', 1],
  ['certificateDays', 'Certificate ends within', 'days', 1],
  ['forSeconds', 'For at least', 'seconds', 1],
  ['offlineSeconds', 'Offline after', 'seconds', 1],
] as const satisfies readonly (readonly [keyof Thresholds, string, string, number])[];

function ThresholdsForm({ server }: { server: ServerDetail }) {
  const save = useOperation('setThresholds', ['getServerStatus']);
  const [texts, setTexts] = useState(() =>
    Object.fromEntries(
      figures.map(([name, , , scale]) => [name, String(Number((server.thresholds[name] * scale).toFixed(2)))]),
    ),
  );
  const [failedUnits, setFailedUnits] = useState(server.thresholds.failedUnits);
  const [outOfMemory, setOutOfMemory] = useState(server.thresholds.outOfMemory);
  const parsed = thresholdsSchema.safeParse({
    ...Object.fromEntries(
      figures.map(([name, , , scale]) => [name, texts[name] === '' ? Number.NaN : Number(texts[name]) / scale]),
    ),
    failedUnits,
    outOfMemory,
  });
  const problem = (name: string) => parsed.error?.issues.find(({ path }) => path[0] === name)?.message;
  return (
    <Card className="p-4">
      <Form
        label="Thresholds"
        error={save.error}
        onSubmit={() => parsed.success && save.mutate({ server: server.id, thresholds: parsed.data })}
      >
        <div className="grid gap-4 sm:grid-cols-2 lg:grid-cols-3">
          {figures.map(([name, label, unit]) => (
            <Field key={name} label={label} note={unit} error={problem(name)}>
              {(props) => (
                <Input
                  {...props}
                  inputMode="decimal"
                  required
                  value={texts[name] ?? ''}
                  onChange={(event) => setTexts({ ...texts, [name]: event.target.value })}
                />
              )}
            </Field>
          ))}
        </div>
        <div className="flex flex-wrap gap-x-8 gap-y-2">
          <Check
            label="A unit fails"
            checked={failedUnits}
            onChange={(event) => setFailedUnits(event.target.checked)}
          />
          <Check
            label="The kernel kills for memory"
            checked={outOfMemory}
            onChange={(event) => setOutOfMemory(event.target.checked)}
          />
        </div>
        <div className="flex items-center gap-3">
          <Button type="submit" kind="primary" busy={save.isPending} disabled={!parsed.success}>
            Save
          </Button>
          <span role="status" className="text-sm text-ok">
            {save.isSuccess && 'Saved.'}
          </span>
        </div>
      </Form>
    </Card>
  );
}

function Renew({ server }: { server: ServerDetail }) {
  const renew = useOperation('renewEnrolment', ['getEnrolment', 'listServers']);
  if (renew.data)
    return (
      <Card className="p-4">
        <InstallPanel enrolment={renew.data} />
      </Card>
    );
  return (
    <div className="space-y-3">
      <Button busy={renew.isPending} onClick={() => renew.mutate({ server: server.id })}>
        Make a new install command
      </Button>
      <FaultNotice error={renew.error} />
    </div>
  );
}

function Remove({ server }: { server: ServerDetail }) {
  const navigate = useNavigate();
  const remove = useOperation('removeServer', ['listServers', 'getOverview']);
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button kind="danger" onClick={() => setAsking(true)}>
        Remove {server.name}
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={`Remove ${server.name}?`}
        verb="Remove"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ server: server.id }, { onSuccess: () => void navigate({ to: '/servers' }) })}
      >
        Its agent is turned away from now on. To remove the agent itself, run{' '}
        <code className="font-mono text-xs">countersign-agent uninstall</code> on the server.
      </Confirm>
    </>
  );
}
