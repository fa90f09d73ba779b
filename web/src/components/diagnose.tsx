/** Runs diagnostics on a server: by what is wrong in plain words, or by name. */
import { capability, type DiagnosticId, diagnosticIds } from '@countersign/protocol/capabilities/index';
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { Stethoscope } from 'lucide-react';
import { useState } from 'react';
import { useOperation } from '../api/queries.ts';
import { Button } from '../ui/button.tsx';
import { Check, Field, Textarea } from '../ui/field.tsx';
import { Segmented } from '../ui/segmented.tsx';
import { DiagnosisView } from './diagnosis-view.tsx';
import { diagnosticParameters } from './diagnostic-parameters.ts';
import { Form } from './form.tsx';
import { firstTexts, ParameterFields, type ParameterTexts, valuesOf } from './parameter-fields.tsx';

export function Diagnose({ server }: { server: ServerDetail }) {
  const [way, setWay] = useState<'words' | 'names'>('words');
  const [description, setDescription] = useState('');
  const [chosen, setChosen] = useState<readonly DiagnosticId[]>(['overview']);
  const [texts, setTexts] = useState<ParameterTexts>({});
  const run = useOperation('runDiagnostic', ['getTimeline']);
  const present = diagnosticIds.filter((id) => server.capabilities.length === 0 || server.capabilities.includes(id));
  const specs = diagnosticParameters(chosen);
  const usual = firstTexts(specs);
  // Only what was changed is sent: diagnostics have defaults of their own.
  const change = (next: ParameterTexts) =>
    setTexts(Object.fromEntries(Object.entries(next).filter(([name, text]) => text !== usual[name])));
  const submit = () => {
    const parameters = valuesOf(specs, texts);
    run.mutate(
      way === 'words'
        ? { server: server.id, description: description.trim() }
        : { server: server.id, diagnostics: [...chosen], parameters },
    );
  };
  const ready = way === 'words' ? description.trim().length >= 3 : chosen.length > 0;
  return (
    <div className="space-y-5">
      <Form onSubmit={submit} error={run.error} className="space-y-3" label="Diagnose">
        <Segmented
          label="How to choose"
          value={way}
          onChange={setWay}
          options={[
            ['words', 'Say what is wrong'],
            ['names', 'Choose diagnostics'],
          ]}
        />
        {way === 'words' ? (
          <Field label="What is wrong?" hint="The diagnostics that fit are chosen by it.">
            {(props) => (
              <Textarea
                {...props}
                rows={2}
                maxLength={2000}
                placeholder="checkout is slow, 502s since 2:10"
                value={description}
                onChange={(event) => setDescription(event.target.value)}
                onKeyDown={(event) => {
                  if (event.key === 'Enter' && (event.metaKey || event.ctrlKey) && ready) submit();
                }}
              />
            )}
          </Field>
        ) : (
          <>
            <fieldset className="grid gap-x-6 gap-y-2.5 rounded-xl border border-line bg-surface p-4 sm:grid-cols-2">
              <legend className="sr-only">Diagnostics</legend>
              {present.map((id) => (
                <Check
                  key={id}
                  label={<span className="font-mono text-xs">{id}</span>}
                  hint={capability(id).summary}
                  checked={chosen.includes(id)}
                  onChange={(event) =>
                    setChosen(event.target.checked ? [...chosen, id] : chosen.filter((each) => each !== id))
                  }
                />
              ))}
            </fieldset>
            {specs.length > 0 && (
              <div className="grid gap-4 sm:grid-cols-2">
                <ParameterFields specs={specs} texts={{ ...usual, ...texts }} onChange={change} />
              </div>
            )}
          </>
        )}
        <Button
          type="submit"
          kind="primary"
          icon={Stethoscope}
          busy={run.isPending}
          disabled={!ready || server.state !== 'online'}
        >
          {run.isPending ? 'Looking…' : 'Diagnose'}
        </Button>
        {server.state !== 'online' && <p className="text-sm text-dim">The server is not connected right now.</p>}
      </Form>
      {run.data && <DiagnosisView diagnosis={run.data} />}
    </div>
  );
}
