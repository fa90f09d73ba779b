/** What fires and what fired; and the webhooks that bring alerts in from elsewhere. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { BellOff } from 'lucide-react';
import { pages } from '../api/queries.ts';
import { AlertList } from '../components/alert-list.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Webhooks } from '../components/webhooks.tsx';
import { Empty } from '../ui/empty.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { PageHead } from '../ui/page-head.tsx';
import { Segmented } from '../ui/segmented.tsx';

export function AlertsPage() {
  const { state = 'firing' } = useSearch({ from: '/app/alerts' });
  const navigate = useNavigate({ from: '/alerts' });
  const alerts = useInfiniteQuery(pages('listAlerts', { state, limit: 50 }));
  return (
    <>
      <PageHead title="Alerts" tab="Alerts" />
      <div className="mb-4">
        <Segmented
          label="State"
          value={state}
          onChange={(next) => void navigate({ search: next === 'firing' ? {} : { state: next }, replace: true })}
          options={[
            ['firing', 'Firing'],
            ['resolved', 'Resolved'],
            ['all', 'All'],
          ]}
        />
      </div>
      <Loaded query={alerts} lines={4}>
        {({ pages: all }) => {
          const found = all.flatMap((page) => page.alerts);
          if (found.length === 0)
            return (
              <Empty icon={BellOff} title={state === 'firing' ? 'Nothing fires' : 'No alerts'}>
                Agents watch disk, memory, load, failed units, certificates and kills for memory. Thresholds are set per
                server.
              </Empty>
            );
          return (
            <>
              <AlertList alerts={found} />
              <MoreButton query={alerts} />
            </>
          );
        }}
      </Loaded>
      <div className="mt-9">
        <Webhooks />
      </div>
    </>
  );
}
