/** What a playbook was before: who changed its file, when, and the difference. */
import type { PlaybookVersionView } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { query } from '../api/queries.ts';
import { DiffView } from '../ui/diff-view.tsx';
import { Disclosure } from '../ui/disclosure.tsx';
import { When } from '../ui/time.tsx';
import { Loaded } from './loaded.tsx';

export function PlaybookVersions({ playbook }: { playbook: string }) {
  const versions = useQuery(query('listPlaybookVersions', { playbook }));
  return (
    <Loaded query={versions} lines={2}>
      {({ versions: all }) => (
        <ul className="space-y-2">
          {all.map((version) => (
            <li key={version.at}>
              <Disclosure summary={<Head version={version} />}>
                <DiffView diff={version.diff} label={`${playbook}.yaml`} />
              </Disclosure>
            </li>
          ))}
        </ul>
      )}
    </Loaded>
  );
}

function Head({ version: { sha256, version, at, source, changed_by } }: { version: PlaybookVersionView }) {
  return (
    <span className="text-sm">
      {sha256 === null ? 'Taken away' : `Version ${version}`} <span className="text-dim">in force since</span>{' '}
      <When at={at} />
      <span className="text-dim">
        {changed_by === null ? '' : `, written by ${changed_by}`} · {source}
      </span>
      {sha256 !== null && <span className="font-mono text-xs text-faint"> {sha256.slice(0, 12)}</span>}
    </span>
  );
}
