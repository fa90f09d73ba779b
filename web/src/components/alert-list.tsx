/** Alerts, one line each. */
import type { AlertView } from '@countersign/protocol/operator-api/index';
import { stripControl } from '@countersign/protocol/text';
import { Link } from '@tanstack/react-router';
import { Stethoscope } from 'lucide-react';
import { Tag } from '../ui/badge.tsx';
import { buttonClass } from '../ui/button.tsx';
import { When } from '../ui/time.tsx';
import { ServerLink } from './links.tsx';
import { AlertStateBadge, SeverityBadge } from './states.tsx';

const sources = {
  agent: 'agent',
  control_plane: 'control plane',
  alertmanager: 'Alertmanager',
  grafana: 'Grafana',
} as const satisfies Record<AlertView['source'], string>;

export function AlertList({ alerts, withServer = true }: { alerts: readonly AlertView[]; withServer?: boolean }) {
  return (
    <ul aria-label="Alerts" className="divide-y divide-line rounded-xl border border-line bg-surface shadow-lift">
      {alerts.map((alert) => (
        <li key={alert.id} className="flex flex-wrap items-center gap-x-4 gap-y-2 px-4 py-2.5">
          <div className="min-w-0 flex-1 basis-64">
            <p className="font-medium [overflow-wrap:anywhere]">{stripControl(alert.title)}</p>
            <p className="text-sm text-dim">
              {withServer && alert.server && (
                <>
                  <ServerLink server={alert.server} /> ·{' '}
                </>
              )}
              {sources[alert.source]} · since <When at={alert.first_at} />
              {alert.times > 1 && <> · {alert.times.toLocaleString()} times</>}
              {alert.resolved_at && (
                <>
                  {' '}
                  · over <When at={alert.resolved_at} />
                </>
              )}
            </p>
            {Object.keys(alert.labels).length > 0 && (
              <p className="mt-1 flex flex-wrap gap-1">
                {Object.entries(alert.labels).map(([name, value]) => (
                  <Tag key={name} mono>
                    {name}={stripControl(value)}
                  </Tag>
                ))}
              </p>
            )}
          </div>
          <div className="flex flex-wrap items-center gap-2">
            {alert.state === 'firing' ? (
              <SeverityBadge severity={alert.severity} />
            ) : (
              <AlertStateBadge state="resolved" />
            )}
            {alert.server && alert.state === 'firing' && (
              <Link
                to="/servers/$server"
                params={{ server: alert.server.id }}
                search={{ tab: 'diagnose' }}
                className={buttonClass('plain', 'sm')}
              >
                <Stethoscope aria-hidden className="size-3.5" /> Diagnose
              </Link>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}
