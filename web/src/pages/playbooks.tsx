/** All playbooks, by area. */
import { useQuery } from '@tanstack/react-query';
import { BookText } from 'lucide-react';
import { useRef, useState } from 'react';
import { query } from '../api/queries.ts';
import { Loaded } from '../components/loaded.tsx';
import { PlaybookRows } from '../components/playbook-rows.tsx';
import { RunPlaybook } from '../components/run-playbook.tsx';
import { Section } from '../ui/card.tsx';
import { Empty } from '../ui/empty.tsx';
import { Input } from '../ui/field.tsx';
import { useListKeys } from '../ui/keys.ts';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';

const areaOf = (id: string) => (id.includes('.') ? (id.split('.')[0] ?? id) : 'general');

export function PlaybooksPage() {
  const playbooks = useQuery(query('listPlaybooks', {}));
  const [text, setText] = useState('');
  const [running, setRunning] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  useListKeys(list);
  return (
    <>
      <PageHead
        title="Playbooks"
        tab="Playbooks"
        lead="Changes that are known beforehand: parameters, steps, a check, and a way back. What only reads runs at once; the rest waits for a decision."
      />
      <div className="mb-5 sm:w-64">
        <Input
          type="search"
          aria-label="Search playbooks"
          placeholder="Search"
          data-search
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </div>
      <Problems />
      <div ref={list}>
        <Loaded query={playbooks} lines={8}>
          {({ playbooks: all }) => {
            const shown = all.filter(({ id, title, summary }) =>
              `${id} ${title} ${summary}`.toLowerCase().includes(text.toLowerCase()),
            );
            if (shown.length === 0) return <Empty icon={BookText} title="No playbook is called like that." />;
            return (
              <div className="space-y-6">
                {[...Map.groupBy(shown, ({ id }) => areaOf(id))].map(([area, group]) => (
                  <Section key={area} title={<span className="capitalize">{area}</span>}>
                    <PlaybookRows playbooks={group} onRun={setRunning} />
                  </Section>
                ))}
              </div>
            );
          }}
        </Loaded>
      </div>
      {running && <RunPlaybook playbook={running} onClose={() => setRunning(null)} />}
    </>
  );
}

/** Files of the owner's that are wrong as they are now. */
function Problems() {
  const { data } = useQuery(query('listPlaybookProblems', {}));
  if (!data || data.problems.length === 0) return null;
  const count = data.problems.length === 1 ? 'A playbook file has' : 'Playbook files have';
  return (
    <div className="mb-5">
      <Notice tone="warn" title={`${count} problems. What such a file held before stays in force.`}>
        <ul className="space-y-1 font-mono text-xs">
          {data.problems.map(({ file, line, column, message }) => (
            <li key={`${file}:${line}:${column}:${message}`} className="break-words">
              {file}:{line}:{column}: {message}
            </li>
          ))}
        </ul>
      </Notice>
    </div>
  );
}
