/** The one command that enrols a server, and how far the server has come with it. */
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck, CircleDashed, LoaderCircle } from 'lucide-react';
import { useLiveState } from '../api/live.ts';
import { query } from '../api/queries.ts';
import { buttonClass } from '../ui/button.tsx';
import { Command } from '../ui/copy.tsx';
import { cx } from '../ui/cx.ts';
import { Disclosure } from '../ui/disclosure.tsx';
import { Notice } from '../ui/notice.tsx';
import { AtClock, useLater, When } from '../ui/time.tsx';
import { Loaded } from './loaded.tsx';

/** After so long without a sign of the server, people want to know what may be wrong. */
const PATIENCE_MS = 20_000;

type Enrolment = OutputOf<'addServer'>;

export function InstallPanel({
  enrolment,
}: {
  enrolment: Pick<Enrolment, 'server' | 'install_command' | 'careful_install_command' | 'expires_at'>;
}) {
  return (
    <div className="space-y-5">
      <div>
        <p className="mb-2 text-dim">
          Run this on <span className="font-medium text-ink">{enrolment.server.name}</span>. It works once and ends{' '}
          <When at={enrolment.expires_at} />.
        </p>
        <Command text={enrolment.install_command} label="Install command" />
        <div className="mt-2">
          <Disclosure summary="What does it do?">
            <ul className="list-disc space-y-1 pl-5 text-sm text-dim">
              <li>
                It installs two services: the link, without rights, which dials out to this control plane, and the
                runner, which acts and has no network.
              </li>
              <li>
                The server makes its own key; it never leaves the server. This control plane’s key is pinned in the
                command.
              </li>
              <li>
                Add <code className="font-mono text-xs">--read-only</code> for a server that never acts, and{' '}
                <code className="font-mono text-xs">--dry-run</code> to see what it would do.
              </li>
            </ul>
            <div className="mt-3">
              <Command text={enrolment.careful_install_command} label="The same, but read it before it runs" />
            </div>
          </Disclosure>
        </div>
      </div>
      <Ladder server={enrolment.server} command={enrolment.install_command} />
    </div>
  );
}

const rungs = [
  ['contacted', 'The server calls', 'Waiting for the server…'],
  ['key_verified', 'Its key is verified', 'Checking its key…'],
  ['checked', 'Time, disk, systemd and user are checked', 'Running checks on the server…'],
  ['ready', 'Ready', 'Almost there…'],
] as const;

function Ladder({ server, command }: { server: { id: string; name: string }; command: string }) {
  const { up } = useLiveState();
  const enrolment = useQuery({ ...query('getEnrolment', { server: server.id }), refetchInterval: up ? 10_000 : 2000 });
  const long = useLater(PATIENCE_MS, server.id);
  return (
    <Loaded query={enrolment}>
      {({ state, steps }) => (
        <div className="space-y-4">
          <ol aria-label="Progress" className="space-y-0">
            {rungs.map(([step, done, doing], at) => {
              const reached = steps.find((each) => each.step === step);
              const current = !reached && state !== 'expired' && at === steps.length;
              const Icon = reached ? CircleCheck : current ? LoaderCircle : CircleDashed;
              return (
                <li key={step} className="relative flex gap-3 pb-4 last:pb-0">
                  {at < rungs.length - 1 && (
                    <span
                      aria-hidden
                      className={cx(
                        'absolute top-6 bottom-0 left-[0.5625rem] w-px',
                        reached ? 'bg-ok' : 'bg-line-strong',
                      )}
                    />
                  )}
                  <Icon
                    role="img"
                    aria-label={reached ? 'Done' : current ? 'Under way' : 'To come'}
                    className={cx(
                      'mt-0.5 size-[1.125rem] shrink-0',
                      reached ? 'text-ok' : current ? 'animate-spin text-info' : 'text-faint',
                    )}
                  />
                  <span className={cx('min-w-0 flex-1', !reached && !current && 'text-faint')}>
                    <span className={cx(reached && 'font-medium')}>{current ? doing : done}</span>
                    {reached?.note && (
                      <span className="block text-sm text-dim [overflow-wrap:anywhere]">{reached.note}</span>
                    )}
                  </span>
                  {reached && (
                    <span className="text-xs leading-5 text-faint">
                      <AtClock at={reached.at} />
                    </span>
                  )}
                </li>
              );
            })}
          </ol>
          <div role="status">
            {state === 'ready' && (
              <Notice
                tone="ok"
                title={`${server.name} is ready.`}
                aside={
                  <Link to="/servers/$server" params={{ server: server.id }} className={buttonClass('plain', 'sm')}>
                    Open it
                  </Link>
                }
              >
                It reports its state every 30 seconds from now on.
              </Notice>
            )}
            {state === 'expired' && (
              <Notice tone="warn" title="The command is too old.">
                Make a new one on the server’s page, under Settings.
              </Notice>
            )}
            {state === 'waiting' && long && <NoContact command={command} />}
          </div>
        </div>
      )}
    </Loaded>
  );
}

/** What to look at when the server does not call. */
function NoContact({ command }: { command: string }) {
  const url = /https?:\/\/[^\s/'"]+/.exec(command)?.[0] ?? location.origin;
  const pin = /--pinnedpubkey\s+\S+/.exec(command)?.[0];
  const test = `curl -sS${pin ? `k ${pin}` : ''} -m 10 -o /dev/null -w '%{http_code} in %{time_total} s\\n' ${url}/healthz; date -u`;
  return (
    <Notice
      tone="info"
      title="Nothing has called yet. If the command ended with an error, it names the cause. Otherwise, usually:"
    >
      <ul className="mt-1 mb-3 list-disc space-y-0.5 pl-5">
        <li>Name resolution: the server cannot resolve the address in the command.</li>
        <li>A firewall or proxy lets nothing out to it; behind a proxy add --proxy.</li>
        <li>TLS: something in between answers with a certificate of its own.</li>
        <li>The clock of the server is far off.</li>
      </ul>
      <Command text={test} label="Self-test: run on the server, expect 200 and the right time" />
    </Notice>
  );
}
