/** What was done to a server and what happened on it. */
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { History } from 'lucide-react';
import { pages, query } from '../api/queries.ts';
import { buttonClass } from '../ui/button.tsx';
import { Section } from '../ui/card.tsx';
import { Empty } from '../ui/empty.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { ActionRow, ActionRows } from './action-row.tsx';
import { Loaded } from './loaded.tsx';
import { Timeline } from './timeline.tsx';

export function ServerHistory({ server }: { server: ServerDetail }) {
  const actions = useQuery(query('listActions', { server: server.id, limit: 8 }));
  const timeline = useInfiniteQuery(pages('getTimeline', { server: server.id, limit: 40 }));
  return (
    <div className="space-y-7">
      <Section
        title="Actions"
        aside={
          <Link to="/actions" search={{ server: server.id }} className={buttonClass('quiet', 'sm')}>
            All of this server
          </Link>
        }
      >
        <Loaded query={actions}>
          {({ actions: found }) =>
            found.length === 0 ? (
              <p className="text-dim">Nothing was asked for on this server yet.</p>
            ) : (
              <ActionRows label="Actions">
                {found.map((action) => (
                  <ActionRow key={action.id} action={action} />
                ))}
              </ActionRows>
            )
          }
        </Loaded>
      </Section>
      <Section title="Timeline">
        <Loaded query={timeline}>
          {({ pages: all }) => {
            const entries = all.flatMap((page) => page.entries);
            if (entries.length === 0) return <Empty icon={History} title="Nothing has happened yet." />;
            return (
              <>
                <Timeline entries={entries} withServer={false} />
                <MoreButton query={timeline} />
              </>
            );
          }}
        </Loaded>
      </Section>
    </div>
  );
}
