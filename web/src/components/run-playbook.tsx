/** Asks for a playbook to be run, with its parameters in a form. A change then waits for a decision on its own page. */
import type { Diagnosis, PlaybookView } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { query, useOperation } from '../api/queries.ts';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogButtons } from '../ui/dialog.tsx';
import { Field, Select, Textarea } from '../ui/field.tsx';
import { DiagnosisView } from './diagnosis-view.tsx';
import { Form } from './form.tsx';
import { Loaded } from './loaded.tsx';
import { firstTexts, ParameterFields, valuesOf } from './parameter-fields.tsx';
import { playbookTitle } from './playbook-title.ts';
import { RiskBadge } from './states.tsx';

interface RunPlaybookProps {
  playbook: string;
  /** The server to run it on; chosen in the form when left out. */
  server?: { id: string; name: string };
  /** Values that a finding suggests. */
  given?: Readonly<Record<string, unknown>>;
  onClose: () => void;
}

export function RunPlaybook({ playbook, server, given, onClose }: RunPlaybookProps) {
  const found = useQuery(query('getPlaybook', { playbook, ...(server && { server: server.id }) }));
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={found.data ? playbookTitle(found.data.title) : playbook}
      description={found.data?.summary}
    >
      <Loaded query={found}>{(view) => <RunForm view={view} server={server} given={given} onClose={onClose} />}</Loaded>
    </Dialog>
  );
}

interface RunFormProps {
  view: PlaybookView;
  server: { id: string; name: string } | undefined;
  given: Readonly<Record<string, unknown>> | undefined;
  onClose: () => void;
}

function RunForm({ view, server, given, onClose }: RunFormProps) {
  const navigate = useNavigate();
  const run = useOperation('runPlaybook', ['listActions', 'getOverview']);
  const [texts, setTexts] = useState(() => firstTexts(view.parameters, given));
  const [chosen, setChosen] = useState(server?.id ?? '');
  const [reason, setReason] = useState('');
  const [diagnosis, setDiagnosis] = useState<Diagnosis | null>(null);
  const reads = view.effect === 'observe';
  const submit = () =>
    run.mutate(
      {
        server: chosen,
        playbook: view.id,
        parameters: valuesOf(view.parameters, texts),
        ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
      },
      {
        onSuccess: (answer) => {
          if (answer.action) {
            onClose();
            void navigate({ to: '/actions/$action', params: { action: answer.action.id } });
          } else setDiagnosis(answer.diagnosis);
        },
      },
    );
  if (diagnosis) return <DiagnosisView diagnosis={diagnosis} />;
  return (
    <Form onSubmit={submit} error={run.error} label="Run the playbook">
      {view.fits === false && (
        <p className="rounded-lg bg-warn-soft px-3 py-2 text-sm text-warn">
          It does not fit this server: {view.does_not_fit_because}
        </p>
      )}
      {!server && <ServerChoice value={chosen} onChange={setChosen} />}
      <ParameterFields specs={view.parameters} texts={texts} onChange={setTexts} />
      {!reads && (
        <Field label="Reason" note="optional" hint="Shown to whoever decides.">
          {(props) => (
            <Textarea
              {...props}
              rows={2}
              maxLength={1000}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
      )}
      <div className="flex flex-wrap items-center justify-between gap-3">
        <span className="flex items-center gap-2 text-sm text-dim">
          {reads ? (
            'Reads only: it runs at once.'
          ) : (
            <>
              <RiskBadge risk={view.risk} /> Waits for a decision.
            </>
          )}
        </span>
      </div>
      <DialogButtons>
        <Button kind="quiet" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit" kind="primary" busy={run.isPending} disabled={chosen === '' || view.fits === false}>
          {reads ? 'Run' : run.isPending ? 'Asking the server for a preview…' : 'Ask for it'}
        </Button>
      </DialogButtons>
    </Form>
  );
}

function ServerChoice({ value, onChange }: { value: string; onChange: (id: string) => void }) {
  const servers = useQuery(query('listServers', { state: 'online', limit: 200 }));
  return (
    <Field label="Server" hint={servers.data?.servers.length === 0 ? 'No server is online.' : undefined}>
      {(props) => (
        <Select {...props} required className="w-full" value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">Choose…</option>
          {servers.data?.servers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}
