/** What there is on a server, as it was found last; what is different since the time before; and a button to look anew. */
import type { OutputOf, ServerDetail } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { RefreshCw } from 'lucide-react';
import { query, useOperation } from '../api/queries.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { Card, Section } from '../ui/card.tsx';
import { counted } from '../ui/counted.ts';
import { Disclosure } from '../ui/disclosure.tsx';
import { When } from '../ui/time.tsx';
import { FaultNotice } from './fault-notice.tsx';
import { Loaded } from './loaded.tsx';

type Discovery = OutputOf<'discoverServices'>;
type Thing = Discovery['found'][number];

const KINDS: readonly (readonly [Thing['kind'], one: string, many: string])[] = [
  ['unit', 'unit', 'units'],
  ['container', 'container', 'containers'],
  ['virtual_host', 'virtual host', 'virtual hosts'],
  ['listener', 'listener', 'listeners'],
  ['database', 'database', 'databases'],
  ['deploy_root', 'deploy root', 'deploy roots'],
  ['runtime', 'runtime', 'runtimes'],
  ['certificate', 'certificate', 'certificates'],
  ['timer', 'timer', 'timers'],
];

export function ServerDiscovery({ server }: { server: ServerDetail }) {
  const known = useQuery(query('discoverServices', { server: server.id, refresh: 'never' }));
  const look = useOperation('discoverServices', ['discoverServices', 'listPlaybooks']);
  const at = known.data?.at;
  return (
    <Section
      title="What runs there"
      aside={
        <span className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-dim">
          {at && (
            <span>
              looked at <When at={at} />
            </span>
          )}
          {server.state === 'online' && (
            <Button
              size="sm"
              icon={RefreshCw}
              busy={look.isPending}
              onClick={() => look.mutate({ server: server.id, refresh: 'now' })}
            >
              {at ? 'Look again' : 'Look now'}
            </Button>
          )}
        </span>
      }
    >
      <div className="space-y-3">
        <FaultNotice error={look.error} />
        {look.data && !look.data.looked && (
          <p role="status" className="text-sm text-dim">
            It was looked at a moment ago; it can be again in {counted(look.data.refresh_in_s, 'second')}.
          </p>
        )}
        <Loaded query={known} lines={3}>
          {(discovery) =>
            discovery.at === null ? (
              <Card className="p-4 text-sm text-dim">
                Nobody has looked yet. Looking changes nothing on the server.
              </Card>
            ) : (
              <Found discovery={discovery} />
            )
          }
        </Loaded>
      </div>
    </Section>
  );
}

function Found({ discovery: { found, blind, difference, truncated } }: { discovery: Discovery }) {
  return (
    <Card className="divide-y divide-line">
      {difference && <Difference difference={difference} />}
      {KINDS.map(([kind, one, many]) => {
        const things = found.filter((thing) => thing.kind === kind);
        const why = blind.find((each) => each.kind === kind)?.why;
        if (things.length === 0 && why === undefined) return null;
        return (
          <div key={kind} className="px-4 py-2">
            {why === undefined ? (
              <Disclosure summary={counted(things.length, one, many)}>
                <Things things={things} />
              </Disclosure>
            ) : (
              <p className="flex min-h-7 items-center text-sm text-dim">
                {many.charAt(0).toUpperCase() + many.slice(1)} could not be seen: {why}.
              </p>
            )}
          </div>
        );
      })}
      {truncated && <p className="px-4 py-2 text-sm text-dim">There is more than is shown.</p>}
    </Card>
  );
}

function Things({ things }: { things: readonly Thing[] }) {
  return (
    <ul className="grid gap-x-6 gap-y-1.5 pb-1.5 text-sm sm:grid-cols-2">
      {things.map(({ name, state, detail }) => (
        <li key={name} className="min-w-0 [overflow-wrap:anywhere]">
          <span className="font-mono text-xs">{name}</span>
          {state && <span className={state === 'failed' ? 'text-crit' : 'text-dim'}> {state}</span>}
          {detail && <span className="block text-xs text-faint">{detail}</span>}
        </li>
      ))}
    </ul>
  );
}

function Difference({ difference }: { difference: NonNullable<Discovery['difference']> }) {
  const { since, appeared, gone, changed } = difference;
  const rows = [
    ...appeared.map((thing) => ({ thing, word: 'new', tone: 'info' as const, more: thing.state ?? thing.detail })),
    ...gone.map((thing) => ({ thing, word: 'gone', tone: 'warn' as const, more: thing.detail })),
    ...changed.map((thing) => ({
      thing,
      word: 'changed',
      tone: 'info' as const,
      more: `${thing.was} → ${thing.state ?? thing.detail}`,
    })),
  ];
  return (
    <div className="space-y-2 p-4 text-sm">
      <p className="text-dim">
        {rows.length === 0 ? 'Nothing is different since ' : `${counted(rows.length, 'thing')} differ since `}
        <When at={since} />
        {rows.length === 0 ? '.' : ':'}
      </p>
      <ul className="space-y-1.5">
        {rows.slice(0, 20).map(({ thing, word, tone, more }) => (
          <li
            key={`${word} ${thing.kind} ${thing.name}`}
            className="flex flex-wrap items-baseline gap-x-2 [overflow-wrap:anywhere]"
          >
            <Badge tone={tone}>{word}</Badge>
            <span className="font-mono text-xs">{thing.name}</span>
            <span className="text-xs text-faint">{more}</span>
          </li>
        ))}
      </ul>
      {rows.length > 20 && <p className="text-dim">and {rows.length - 20} more</p>}
    </div>
  );
}
