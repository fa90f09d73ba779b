/** The playbooks that fit a server, and those that do not with the reason. */
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { BookText } from 'lucide-react';
import { useRef, useState } from 'react';
import { query } from '../api/queries.ts';
import { Disclosure } from '../ui/disclosure.tsx';
import { Empty } from '../ui/empty.tsx';
import { useListKeys } from '../ui/keys.ts';
import { Loaded } from './loaded.tsx';
import { PlaybookRows } from './playbook-rows.tsx';
import { RunPlaybook } from './run-playbook.tsx';

export function ServerPlaybooks({ server }: { server: ServerDetail }) {
  const playbooks = useQuery(query('listPlaybooks', { server: server.id }));
  const [running, setRunning] = useState<string | null>(null);
  const list = useRef<HTMLDivElement>(null);
  useListKeys(list);
  return (
    <div ref={list}>
      <Loaded query={playbooks} lines={6}>
        {({ playbooks: all }) => {
          const fit = all.filter(({ fits }) => fits !== false);
          const others = all.filter(({ fits }) => fits === false);
          return (
            <div className="space-y-5">
              {fit.length > 0 ? (
                <PlaybookRows playbooks={fit} onRun={setRunning} />
              ) : (
                <Empty icon={BookText} title="No playbook fits this server." />
              )}
              {others.length > 0 && (
                <Disclosure summary={`${others.length} that do not fit`} open={fit.length === 0}>
                  <PlaybookRows playbooks={others} onRun={setRunning} />
                </Disclosure>
              )}
            </div>
          );
        }}
      </Loaded>
      {running && <RunPlaybook playbook={running} server={server} onClose={() => setRunning(null)} />}
    </div>
  );
}
