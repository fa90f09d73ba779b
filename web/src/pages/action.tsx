/** One action: read it, decide on it, follow it. */
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { ChevronLeft } from 'lucide-react';
import { query } from '../api/queries.ts';
import { ActionPanel } from '../components/action/action-panel.tsx';
import { useTabTitle } from '../ui/page-head.tsx';

export function ActionPage() {
  const { action: id } = useParams({ from: '/app/actions/$action' });
  const { ask } = useSearch({ from: '/app/actions/$action' });
  const action = useQuery(query('getAction', { action: id }));
  useTabTitle(action.data?.title ?? 'Action');
  const pending = action.data?.state === 'awaiting_approval';
  return (
    <div className="mx-auto max-w-3xl">
      <Link
        to={pending ? '/inbox' : '/actions'}
        className="-ml-1 mb-3 inline-flex min-h-6 items-center gap-1 rounded pr-1 text-sm text-dim hover:text-ink"
      >
        <ChevronLeft aria-hidden className="size-4" /> {pending ? 'Inbox' : 'Actions'}
      </Link>
      {!action.data && <h1 className="mb-4 text-xl font-semibold tracking-tight">Action</h1>}
      <ActionPanel key={id} id={id} ask={ask ?? null} />
    </div>
  );
}
