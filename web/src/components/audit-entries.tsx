/** Entries of the audit log: one line each, everything on demand. */
import type { AuditEntryView } from '@countersign/protocol/operator-api/index';
import { escapeDeceptive } from '@countersign/protocol/text';
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { Facts } from '../ui/facts.tsx';
import { Exactly, When } from '../ui/time.tsx';
import { ActionLink, ServerLink } from './links.tsx';

/** Who did it, in a few words. */
function doer({ who: { person, token, client, by } }: AuditEntryView): string {
  const name = person?.name ?? by;
  const through = client ?? token?.name;
  return through ? `${name}, by ${through}` : name;
}

export function AuditEntries({ entries }: { entries: readonly AuditEntryView[] }) {
  return (
    <ol
      aria-label="Audit entries"
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-lift"
    >
      {entries.map((entry) => (
        <EntryLine key={entry.seq} entry={entry} />
      ))}
    </ol>
  );
}

function EntryLine({ entry }: { entry: AuditEntryView }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details className="group/e" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-4 py-2 text-sm -outline-offset-2 hover:bg-sunken">
          <ChevronRight
            aria-hidden
            className="size-3.5 shrink-0 text-faint transition-transform group-open/e:rotate-90"
          />
          <span className="min-w-8 shrink-0 font-mono text-xs text-faint">{entry.seq}</span>
          <span className="font-medium">{entry.event}</span>
          <span className="min-w-0 flex-1 basis-40 truncate text-dim">
            {escapeDeceptive(doer(entry))}
            {entry.server && ` · ${entry.server.name}`}
          </span>
          <span className="text-xs text-faint">
            <When at={entry.at} />
          </span>
        </summary>
        {open && (
          <div className="border-t border-line bg-sunken px-4 py-3 sm:pl-[4.375rem]">
            <Entry entry={entry} />
          </div>
        )}
      </details>
    </li>
  );
}

function Entry({ entry }: { entry: AuditEntryView }) {
  const { who, details } = entry;
  return (
    <Facts
      rows={[
        ['When', <Exactly key="at" at={entry.at} />],
        ['By', who.by],
        who.person ? ['Person', who.person.name] : null,
        who.token ? ['Token', who.token.name] : null,
        who.client ? ['Client', escapeDeceptive(who.client)] : null,
        who.ip
          ? [
              'Address',
              <span key="ip" className="font-mono text-xs">
                {who.ip}
              </span>,
            ]
          : null,
        entry.server ? ['Server', <ServerLink key="server" server={entry.server} />] : null,
        entry.action ? ['Action', <ActionLink key="action" id={entry.action} />] : null,
        ...Object.entries(details).map(
          ([name, value]) =>
            [
              <span key={name}>{name.replaceAll('_', ' ')}</span>,
              <span key={`${name}=`} className="whitespace-pre-wrap font-mono text-xs">
                {escapeDeceptive(typeof value === 'string' ? value : JSON.stringify(value))}
              </span>,
            ] as const,
        ),
        [
          'Hash',
          <span key="hash" className="font-mono text-xs">
            {entry.hash}
          </span>,
        ],
      ]}
    />
  );
}
