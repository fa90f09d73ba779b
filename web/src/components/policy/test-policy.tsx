/** What the rules would say of a request, without asking for anything. */
import { capability } from '@countersign/protocol/capabilities/index';
import type { InputOf, OutputOf } from '@countersign/protocol/operator-api/index';
import type { Risk } from '@countersign/protocol/risk';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, FlaskConical, Hand, type LucideIcon, ShieldX } from 'lucide-react';
import { useState } from 'react';
import { query, useOperation } from '../../api/queries.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { SelectField } from '../../ui/field.tsx';
import { Notice } from '../../ui/notice.tsx';
import type { Tone } from '../../ui/tone.ts';
import { Form } from '../form.tsx';
import { playbookTitle } from '../playbook-title.ts';

const looks = {
  allow: { tone: 'ok', icon: CircleCheck, word: 'It would be allowed, without asking anybody.' },
  ask: { tone: 'warn', icon: Hand, word: 'A human would be asked.' },
  deny: { tone: 'crit', icon: ShieldX, word: 'It would be denied.' },
} as const satisfies Record<OutputOf<'testPolicy'>['verdict'], { tone: Tone; icon: LucideIcon; word: string }>;

/** Changes that are no playbook. */
const plain = { 'command.run': 'A command', 'file.write': 'A change of a file' } as const;
type Plain = keyof typeof plain;
const isPlain = (what: string): what is Plain => Object.hasOwn(plain, what);

const riskWords = {
  own: 'Its own',
  low: 'Low',
  medium: 'Medium',
  high: 'High',
  critical: 'Critical',
} as const satisfies Record<Risk | 'own', string>;

/** Tests the rules in force, or those of a draft. */
export function TestPolicy({ draft }: { draft: string | null }) {
  const servers = useQuery(query('listServers', { limit: 200 }));
  const playbooks = useQuery(query('listPlaybooks', {}));
  const tokens = useQuery(query('listTokens', {}));
  const test = useOperation('testPolicy');
  const [server, setServer] = useState('');
  const [what, setWhat] = useState<string>('command.run');
  const [risk, setRisk] = useState<keyof typeof riskWords>('own');
  const [token, setToken] = useState('');
  const found = servers.data?.servers ?? [];
  const changes = (playbooks.data?.playbooks ?? []).filter(({ effect }) => effect === 'mutate');
  const chosenServer = server || (found[0]?.id ?? '');
  const ownRisk = isPlain(what) ? capability(what).risk : (changes.find(({ id }) => id === what)?.risk ?? 'medium');
  const submit = () =>
    test.mutate({
      server: chosenServer,
      risk: risk === 'own' ? ownRisk : risk,
      ...(isPlain(what) ? { capabilities: [what] } : { playbook: what }),
      ...(token === '' ? {} : { token }),
      ...(draft === null ? {} : { yaml: draft }),
    } satisfies InputOf<'testPolicy'>);
  const name = (text: string) => Object.fromEntries([['', text]]);
  return (
    <Card className="p-4">
      {found.length === 0 ? (
        <p className="text-sm text-dim">There is no server yet to ask about.</p>
      ) : (
        <Form label="Test the rules" error={test.error} onSubmit={submit}>
          <div className="grid gap-4 sm:grid-cols-2">
            <SelectField
              label="Server"
              value={chosenServer}
              onChange={setServer}
              options={Object.fromEntries(found.map((it) => [it.id, it.name]))}
            />
            <SelectField
              label="Asked for"
              value={what}
              onChange={setWhat}
              options={{ ...plain, ...Object.fromEntries(changes.map(({ id, title }) => [id, playbookTitle(title)])) }}
            />
            <SelectField
              label="Risk"
              hint={risk === 'own' ? `${riskWords[ownRisk]}, by what it is` : undefined}
              value={risk}
              onChange={setRisk}
              options={riskWords}
            />
            <SelectField
              label="Asked by"
              value={token}
              onChange={setToken}
              options={{
                ...name('You, on this page'),
                ...Object.fromEntries((tokens.data?.tokens ?? []).map((it) => [it.id, `Token ${it.name}`])),
              }}
            />
          </div>
          <div className="flex justify-end">
            <Button type="submit" icon={FlaskConical} busy={test.isPending}>
              {draft === null ? 'Test the rules' : 'Test the draft'}
            </Button>
          </div>
          {test.data && !test.isPending && <Answer answer={test.data} />}
        </Form>
      )}
    </Card>
  );
}

function Answer({ answer: { verdict, why } }: { answer: OutputOf<'testPolicy'> }) {
  const { tone, icon, word } = looks[verdict];
  return (
    <Notice role="status" tone={tone} icon={icon} title={word}>
      {why}
    </Notice>
  );
}
