/** The audit log: filter, look at an entry, verify the chain, take it away. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Download, ScrollText, ShieldCheck } from 'lucide-react';
import { type ReactNode, useMemo } from 'react';
import { pages, query, useOperation } from '../api/queries.ts';
import { AuditEntries } from '../components/audit-entries.tsx';
import { CheckedServers } from '../components/check-servers.tsx';
import { FaultNotice } from '../components/fault-notice.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Button, buttonClass } from '../ui/button.tsx';
import { counted } from '../ui/counted.ts';
import { Empty } from '../ui/empty.tsx';
import { Input, Select } from '../ui/field.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { Notice } from '../ui/notice.tsx';
import { PageHead } from '../ui/page-head.tsx';

const spans = { '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000, '30d': 2_592_000_000 } as const;

export function AuditPage() {
  const { event, server, action, since } = useSearch({ from: '/app/audit' });
  const navigate = useNavigate({ from: '/audit' });
  // Fixed while the filter stands, so that paging does not move under the reader.
  const from = useMemo(() => (since ? new Date(Date.now() - spans[since]).toISOString() : undefined), [since]);
  const entries = useInfiniteQuery(
    pages('getAuditLog', {
      limit: 50,
      ...(event && { event }),
      ...(server && { server }),
      ...(action && { action }),
      ...(from && { since: from }),
    }),
  );
  const servers = useQuery(query('listServers', { limit: 200 }));
  const change = (next: { event?: string; server?: string; since?: keyof typeof spans; action?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...next }), replace: true });
  const filtered = Boolean(event ?? server ?? action ?? since);
  return (
    <>
      <PageHead
        title="Audit"
        tab="Audit"
        lead="Who did what, why, and what came of it. Each entry holds the hash of the one before, so nothing can be changed unseen."
        actions={
          <a href="/api/v1/audit/export" download className={buttonClass('plain')}>
            <Download aria-hidden className="size-4" /> Export
          </a>
        }
      />
      <Verify />
      <div className="mt-6 mb-4 flex flex-wrap gap-2">
        <form
          className="w-full sm:w-56"
          onSubmit={(submitted) => {
            submitted.preventDefault();
            const text = String(new FormData(submitted.currentTarget).get('event') ?? '').trim();
            change({ event: text === '' ? undefined : text } as Parameters<typeof change>[0]);
          }}
        >
          <Input
            key={event ?? ''}
            name="event"
            type="search"
            aria-label="Event"
            placeholder="action.approved"
            data-search
            mono
            maxLength={60}
            defaultValue={event ?? ''}
          />
        </form>
        <Select
          aria-label="Server"
          value={server ?? ''}
          onChange={({ target: { value } }) => change({ server: value || undefined } as Parameters<typeof change>[0])}
        >
          <option value="">All servers</option>
          {servers.data?.servers.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
        <Select
          aria-label="Since"
          value={since ?? ''}
          onChange={({ target: { value } }) => change({ since: value || undefined } as Parameters<typeof change>[0])}
        >
          <option value="">All time</option>
          <option value="1h">Last hour</option>
          <option value="24h">Last day</option>
          <option value="7d">Last 7 days</option>
          <option value="30d">Last 30 days</option>
        </Select>
        {filtered && (
          <Link to="/audit" className={buttonClass('quiet')}>
            Clear
          </Link>
        )}
      </div>
      <Loaded query={entries} lines={8}>
        {({ pages: all }) => {
          const found = all.flatMap((page) => page.entries);
          if (found.length === 0)
            return <Empty icon={ScrollText} title={filtered ? 'No entry is like that.' : 'No entries yet'} />;
          return (
            <>
              <AuditEntries entries={found} />
              <MoreButton query={entries} />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function Verify() {
  const verify = useOperation('verifyAudit', ['getServerStatus', 'getOverview']);
  const { data } = verify;
  const withServers = verify.variables?.against_servers === true;
  const buttons = (
    <div className="flex flex-wrap gap-2">
      <Button busy={verify.isPending && !withServers} disabled={verify.isPending} onClick={() => verify.mutate({})}>
        {data ? 'Verify again' : 'Verify the chain'}
      </Button>
      <Button
        busy={verify.isPending && withServers}
        disabled={verify.isPending}
        onClick={() => verify.mutate({ against_servers: true })}
      >
        Check against servers
      </Button>
    </div>
  );
  if (!data)
    return (
      <div className="space-y-3">
        <FaultNotice error={verify.error} />
        <Notice icon={ShieldCheck} title="Recompute every hash and check every signed checkpoint." aside={buttons}>
          The servers keep checkpoints too: comparing finds a log that was rewritten as a whole.
        </Notice>
      </div>
    );
  return (
    <div className="space-y-3">
      <FaultNotice error={verify.error} />
      <Verdict found={data} aside={buttons} />
      {withServers && !verify.isPending && <CheckedServers servers={data.servers} />}
    </div>
  );
}

function Verdict({ found, aside }: { found: OutputOf<'verifyAudit'>; aside: ReactNode }) {
  const { ok, entries, checkpoints, head, problems } = found;
  const agree = found.servers.filter(({ state }) => state === 'agrees').length;
  const accepted = found.servers.filter(({ state }) => state === 'accepted').length;
  const title = !ok
    ? problems.length === 0
      ? 'A server contradicts the log.'
      : `The chain is broken in ${problems.length} ${problems.length === 1 ? 'place' : 'places'}.`
    : `The chain is whole: ${counted(entries, 'entry', 'entries')}, ${counted(checkpoints, 'signed checkpoint')}.`;
  return (
    <Notice role="status" tone={ok ? 'ok' : 'crit'} icon={ok ? ShieldCheck : undefined} title={title} aside={aside}>
      {problems.length === 0 ? (
        <>
          {found.servers.length > 0 && `${agree} of ${found.servers.length} servers agree. `}
          {accepted > 0 && `${accepted} contradict as an owner accepted. `}
          Head <span className="font-mono text-xs [overflow-wrap:anywhere]">{head}</span>
        </>
      ) : (
        <ul className="list-disc pl-5">
          {problems.map(({ seq, problem }, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: problems have no id
            <li key={at}>
              {seq === null ? '' : `Entry ${seq}: `}
              {problem}
            </li>
          ))}
        </ul>
      )}
    </Notice>
  );
}
