/** Whom the server believes: its approvers or this control plane; and what it remembers of the audit log. */
import type { LockState } from '@countersign/protocol/lock';
import type { ServerDetail } from '@countersign/protocol/operator-api/index';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { BookLock, Lock, LockOpen } from 'lucide-react';
import { query } from '../api/queries.ts';
import { Card, Section } from '../ui/card.tsx';
import { Disclosure } from '../ui/disclosure.tsx';
import { Notice } from '../ui/notice.tsx';
import { When } from '../ui/time.tsx';
import { LockKeys, LockNumbers } from './lock/lock-facts.tsx';
import { LockStandingBadge } from './lock/lock-servers.tsx';

export function ServerTrust({ server }: { server: ServerDetail }) {
  const { trust, witness } = server;
  const lock = server.policy?.lock ?? null;
  const locked = lock !== null && !lock.disabled;
  const Icon = locked ? Lock : LockOpen;
  return (
    <Section title="Whom it believes">
      {witness && !witness.agrees && <Contradiction server={server} size={witness.size} />}
      <Card className="divide-y divide-line">
        <p className="flex gap-3 p-4">
          <Icon aria-hidden className={`mt-0.5 size-5 shrink-0 ${locked ? 'text-ok' : 'text-warn'}`} />
          <span className="max-w-prose font-medium">{trust}</span>
        </p>
        {locked && <LockOfServer server={server} lock={lock} />}
        <div className="flex gap-3 p-4 text-sm">
          <BookLock aria-hidden className="mt-0.5 size-4 shrink-0 text-faint" />
          <p className="text-dim">
            {witness === null ? (
              'It keeps nothing of the audit log yet.'
            ) : (
              <>
                It keeps the audit log up to entry {witness.size.toLocaleString()}, told <When at={witness.at} />:{' '}
                {witness.agrees ? 'the log here agrees with it' : 'the log here contradicts it'}.
              </>
            )}{' '}
            <Link to="/audit" className="underline underline-offset-2">
              Check it
            </Link>
          </p>
        </div>
      </Card>
    </Section>
  );
}

function LockOfServer({ server, lock }: { server: ServerDetail; lock: LockState }) {
  const known = useQuery(query('getLock', {}));
  const standing = known.data?.servers.find((it) => it.server.id === server.id);
  return (
    <div className="space-y-3 p-4">
      <div className="flex flex-wrap items-center gap-2 text-sm">
        <span>
          State <b>{lock.number}</b> of the{' '}
          <Link to="/lock" className="underline underline-offset-2">
            lock
          </Link>
        </span>
        {standing && <LockStandingBadge state={standing.state} />}
        {standing?.state === 'behind' && (
          <span className="text-dim">the newest here is {known.data?.state?.number}</span>
        )}
      </div>
      <Disclosure summary="Who must sign, and their keys">
        <div className="grid gap-5 sm:grid-cols-2">
          <LockKeys state={lock} />
          <LockNumbers state={lock} whole />
        </div>
      </Disclosure>
    </div>
  );
}

function Contradiction({ server, size }: { server: ServerDetail; size: number }) {
  return (
    <div className="mb-3">
      <Notice
        tone="crit"
        role="alert"
        title={`${server.name} remembers another audit log than this control plane has. No change goes to it.`}
      >
        <p>
          It keeps a signed checkpoint of {size.toLocaleString()} entries. Either this database is an older copy, or
          entries were changed or removed.
        </p>
        <ul className="mt-1 list-disc pl-5">
          <li>
            See what exactly differs:{' '}
            <Link to="/audit" className="underline underline-offset-2">
              check the log against the servers
            </Link>
            .
          </li>
          <li>If you restored an old backup: restore the newest one, or have an owner accept the loss there.</li>
          <li>If nobody restored anything: treat this control plane as taken over. Do not approve anything on it.</li>
        </ul>
      </Notice>
    </div>
  );
}
