/** Playbooks in a list. */
import type { PlaybookView } from '@countersign/protocol/operator-api/index';
import { Link } from '@tanstack/react-router';
import { Eye, Play, Undo2 } from 'lucide-react';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { playbookTitle } from './playbook-title.ts';
import { RiskBadge } from './states.tsx';

interface PlaybookRowsProps {
  playbooks: readonly PlaybookView[];
  onRun: (id: string) => void;
}

export function PlaybookRows({ playbooks, onRun }: PlaybookRowsProps) {
  return (
    <ul
      aria-label="Playbooks"
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-lift"
    >
      {playbooks.map((playbook) => (
        <li key={playbook.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-3">
          <div className="min-w-0 flex-1 basis-72">
            <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
              <Link
                to="/playbooks/$playbook"
                params={{ playbook: playbook.id }}
                data-row={playbook.id}
                className="rounded font-medium hover:underline"
              >
                {playbookTitle(playbook.title)}
              </Link>
              <span className="font-mono text-xs text-faint">{playbook.id}</span>
            </p>
            <p className="max-w-prose text-sm text-dim">{playbook.summary}</p>
            {playbook.fits === false && (
              <p className="mt-1 text-sm text-warn">Does not fit: {playbook.does_not_fit_because}</p>
            )}
          </div>
          <span className="flex items-center gap-2">
            <PlaybookMarks playbook={playbook} />
            <Button size="sm" icon={Play} disabled={playbook.fits === false} onClick={() => onRun(playbook.id)}>
              <span>
                Run<span className="sr-only"> {playbook.id}</span>…
              </span>
            </Button>
          </span>
        </li>
      ))}
    </ul>
  );
}

export function PlaybookMarks({ playbook: { effect, risk, reversible } }: { playbook: PlaybookView }) {
  if (effect === 'observe')
    return (
      <Badge tone="info" icon={Eye}>
        Reads only
      </Badge>
    );
  return (
    <>
      {reversible && <Badge icon={Undo2}>Reversible</Badge>}
      <RiskBadge risk={risk} />
    </>
  );
}
