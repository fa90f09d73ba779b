/** One playbook, whole: what it takes, and its text. */
import type { PlaybookView } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { ChevronLeft, Play } from 'lucide-react';
import { useState } from 'react';
import { query } from '../api/queries.ts';
import { Loaded } from '../components/loaded.tsx';
import { PlaybookMarks } from '../components/playbook-rows.tsx';
import { playbookTitle } from '../components/playbook-title.ts';
import { PlaybookVersions } from '../components/playbook-versions.tsx';
import { RunPlaybook } from '../components/run-playbook.tsx';
import { Button } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Row, Rows } from '../ui/rows.tsx';
import { YamlView } from '../ui/yaml-view.tsx';

export function PlaybookPage() {
  const { playbook: id } = useParams({ from: '/app/playbooks/$playbook' });
  const playbook = useQuery(query('getPlaybook', { playbook: id }));
  const [running, setRunning] = useState(false);
  return (
    <div className="mx-auto max-w-4xl">
      <Link
        to="/playbooks"
        className="-ml-1 mb-2 inline-flex min-h-6 items-center gap-1 rounded pr-1 text-sm text-dim hover:text-ink"
      >
        <ChevronLeft aria-hidden className="size-4" /> Playbooks
      </Link>
      {!playbook.data && <PageHead title={id} tab={id} />}
      <Loaded query={playbook} lines={8}>
        {(it) => (
          <>
            <PageHead
              title={playbookTitle(it.title)}
              tab={it.id}
              lead={
                <>
                  <p>{it.summary}</p>
                  <p className="mt-2 flex flex-wrap items-center gap-2">
                    <PlaybookMarks playbook={it} />
                    <span className="font-mono text-xs text-faint">
                      {it.id}, version {it.version}
                    </span>
                  </p>
                </>
              }
              actions={
                <Button kind="primary" icon={Play} onClick={() => setRunning(true)}>
                  Run…
                </Button>
              }
            />
            <div className="space-y-7">
              <Section title="Parameters">
                <Parameters parameters={it.parameters} />
              </Section>
              <Section title="Text">
                <YamlView text={it.yaml} label={`${it.id}.yaml · SHA-256 ${it.sha256.slice(0, 16)}…`} />
              </Section>
              <Section title="Versions">
                <PlaybookVersions playbook={it.id} />
              </Section>
            </div>
            {running && <RunPlaybook playbook={it.id} onClose={() => setRunning(false)} />}
          </>
        )}
      </Loaded>
    </div>
  );
}

function Parameters({ parameters }: { parameters: PlaybookView['parameters'] }) {
  if (parameters.length === 0) return <p className="text-dim">It takes none.</p>;
  return (
    <Rows label="Parameters">
      {parameters.map((parameter) => (
        <Row
          key={parameter.name}
          title={<span className="font-mono text-sm">{parameter.name}</span>}
          marks={<span className="text-xs text-dim">{kindOf(parameter)}</span>}
          about={parameter.summary}
          aside={<span className="px-1.5 text-sm">{defaultOf(parameter)}</span>}
        />
      ))}
    </Rows>
  );
}

type Parameter = PlaybookView['parameters'][number];

function kindOf({ type, choices, minimum, maximum }: Parameter): string {
  if (choices) return choices.join(' | ');
  return minimum === undefined && maximum === undefined ? type : `${type} ${minimum ?? ''}…${maximum ?? ''}`;
}

function defaultOf({ default: usual, required }: Parameter) {
  if (usual === undefined) return <span className="text-faint">{required ? 'must be given' : 'optional'}</span>;
  return <span className="font-mono text-xs">{typeof usual === 'string' ? usual : JSON.stringify(usual)}</span>;
}
