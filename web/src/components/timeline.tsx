/** What happened lately: alerts, diagnostics, actions, decisions. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { stripControl } from '@countersign/protocol/text';
import { Link } from '@tanstack/react-router';
import { Activity, BellRing, type LucideIcon, PenLine, Server, Stethoscope, StickyNote } from 'lucide-react';
import { When } from '../ui/time.tsx';

type Entry = OutputOf<'getTimeline'>['entries'][number];

const kinds = {
  alert: [BellRing, 'Alert'],
  diagnostic: [Stethoscope, 'Diagnostic'],
  action: [Activity, 'Action'],
  approval: [PenLine, 'Decision'],
  server: [Server, 'Server'],
  note: [StickyNote, 'Note'],
} as const satisfies Record<Entry['kind'], readonly [LucideIcon, string]>;

export function Timeline({ entries, withServer = true }: { entries: readonly Entry[]; withServer?: boolean }) {
  return (
    <ol className="divide-y divide-line rounded-xl border border-line bg-surface shadow-lift">
      {entries.map((entry, at) => {
        const [Icon, word] = kinds[entry.kind];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: entries have no id of their own
          <li key={`${entry.at} ${at}`} className="flex gap-3 px-4 py-2 text-sm">
            <Icon role="img" aria-label={word} className="mt-0.5 size-4 shrink-0 text-faint" strokeWidth={1.75} />
            <div className="min-w-0 flex-1 [overflow-wrap:anywhere]">
              <Title entry={entry} />
              <span className="text-dim">
                {withServer && entry.server ? ` · ${entry.server.name}` : ''}
                {entry.by ? ` · ${entry.by}` : ''}
              </span>
            </div>
            <span className="text-xs leading-5 text-faint">
              <When at={entry.at} />
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Title({ entry }: { entry: Entry }) {
  const title = stripControl(entry.title);
  if (entry.action === null) return <>{title}</>;
  return (
    <Link to="/actions/$action" params={{ action: entry.action }} className="rounded hover:underline">
      {title}
    </Link>
  );
}
