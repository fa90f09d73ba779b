/** How a server is: its figures over time, its facts, what its own policy allows, what fires. */
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { query } from '../api/queries.ts';
import { buttonClass } from '../ui/button.tsx';
import { Card, Section } from '../ui/card.tsx';
import { Facts } from '../ui/facts.tsx';
import { percent } from '../ui/meter.tsx';
import { Notice } from '../ui/notice.tsx';
import { type Point, Sparkline } from '../ui/sparkline.tsx';
import { duration, Exactly, When } from '../ui/time.tsx';
import { AlertList } from './alert-list.tsx';
import { Loaded } from './loaded.tsx';
import { ServerDiscovery } from './server-discovery.tsx';
import { ServerPolicy } from './server-policy.tsx';
import { ServerTrust } from './server-trust.tsx';

export function ServerOverview({ server }: { server: ServerDetail }) {
  const alerts = useQuery(query('listAlerts', { server: server.id, state: 'firing' }));
  if (server.state === 'awaiting_agent') return <Awaiting />;
  return (
    <div className="space-y-7">
      {server.state === 'offline' && (
        <Notice tone="crit" title="The agent is not connected.">
          On the server, look at <code className="font-mono text-xs">systemctl status countersign-link</code>. What is
          shown here is from its last visit.
        </Notice>
      )}
      <Loaded query={alerts} lines={1}>
        {({ alerts: firing }) =>
          firing.length > 0 && (
            <Section title="Firing alerts">
              <AlertList alerts={firing} withServer={false} />
            </Section>
          )
        }
      </Loaded>
      <ServerTrust server={server} />
      <Figures server={server} />
      <ServerDiscovery server={server} />
      <div className="grid gap-7 lg:grid-cols-2">
        <Section title="Facts">
          <Card className="p-4">
            <FactRows server={server} />
          </Card>
        </Section>
        <Section title="What the server itself allows">
          <Card className="p-4">
            <ServerPolicy server={server} />
          </Card>
        </Section>
      </div>
    </div>
  );
}

function Awaiting() {
  return (
    <Notice
      tone="warn"
      title="No agent has called yet."
      aside={
        <Link to="." search={{ tab: 'settings' }} className={buttonClass('plain', 'sm')}>
          New install command
        </Link>
      }
    >
      Run the install command on the server. It works once, for 15 minutes.
    </Notice>
  );
}

function Figures({ server: { history, thresholds } }: { server: ServerDetail }) {
  const last = history.at(-1);
  if (!last) return null;
  const points = (value: (sample: (typeof history)[number]) => number | null | undefined): Point[] =>
    history.flatMap((sample) => {
      const found = value(sample);
      return found === null || found === undefined ? [] : [{ at: sample.at, value: found }];
    });
  const disk = points((sample) => sample.fullest_mount?.used_ratio);
  return (
    <Section
      title="Figures"
      aside={
        <span className="text-xs text-dim">
          newest <When at={last.at} />
        </span>
      }
    >
      <Card className="grid gap-x-8 gap-y-5 p-4 sm:grid-cols-2 lg:grid-cols-4">
        <Sparkline
          label="Load per CPU"
          points={points((sample) => sample.load1_per_cpu)}
          max={1}
          format={(value) => value.toFixed(2)}
          limit={thresholds.load1PerCpu}
        />
        <Sparkline
          label="Memory"
          points={points((sample) => sample.memory_used_ratio)}
          max={1}
          format={percent}
          limit={thresholds.memoryUsedRatio}
        />
        <Sparkline label="Swap" points={points((sample) => sample.swap_used_ratio)} max={1} format={percent} />
        {disk.length > 0 && (
          <Sparkline
            label={`Disk ${last.fullest_mount?.mount ?? ''}`}
            points={disk}
            max={1}
            format={percent}
            limit={thresholds.diskUsedRatio}
          />
        )}
      </Card>
    </Section>
  );
}

const systemName = ({ name, version }: { name: string; version: string }) =>
  name.includes(version) ? name : `${name} ${version}`;
const gigabytes = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;

function FactRows({ server }: { server: ServerDetail }) {
  const { facts, sample } = server;
  if (!facts) return <p className="text-sm text-dim">Not known yet.</p>;
  const offset = server.clock_offset_ms;
  return (
    <Facts
      rows={[
        ['Host name', facts.hostname],
        ['System', systemName(facts.os)],
        ['Kernel', `${facts.kernel}, ${facts.arch}`],
        ['Size', `${facts.cpus} ${facts.cpus === 1 ? 'CPU' : 'CPUs'}, ${gigabytes(facts.memoryBytes)}`],
        sample ? ['Up', duration(sample.uptime_s * 1000)] : null,
        sample && sample.failed_units !== null
          ? [
              'Failed units',
              sample.failed_units === 0 ? (
                'none'
              ) : (
                <span key="failed" className="font-medium text-crit">
                  {sample.failed_units}
                </span>
              ),
            ]
          : null,
        ['systemd', facts.systemd ? 'yes' : 'no: steps run as plain processes'],
        ['Runner', facts.root ? 'root' : 'an ordinary user: the system refuses most changes'],
        [
          'Clock',
          offset === null ? (
            'not known'
          ) : Math.abs(offset) > 60_000 ? (
            <span key="clock" className="text-crit">
              {duration(Math.abs(offset))} off: changes are refused
            </span>
          ) : (
            `${duration(Math.abs(offset))} off`
          ),
        ],
        ['Agent', server.agent_version ?? 'not known'],
        ['Added', <Exactly key="added" at={server.added_at} />],
      ]}
    />
  );
}
