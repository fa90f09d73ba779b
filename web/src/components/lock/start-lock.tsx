/** How a lock begins: keys, a first state, and each server's owner who pins it. All on the command line, away from this page. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { query } from '../../api/queries.ts';
import { useMay, useMe } from '../../api/session.ts';
import { Card } from '../../ui/card.tsx';
import { Command } from '../../ui/copy.tsx';
import { Loaded } from '../loaded.tsx';
import { BringLock } from './bring-lock.tsx';

export function StartLock() {
  const { person } = useMe();
  const owner = useMay('owner');
  const passkeys = useQuery(query('listPasskeys', {}));
  const holder = person.name.replaceAll(/\s+/g, '-');
  return (
    <Card className="space-y-5 p-4 sm:p-5">
      <div className="max-w-prose space-y-2 text-dim">
        <p className="font-medium text-ink">There is no lock yet: servers believe this control plane.</p>
        <p>
          With a lock, a server holds the public keys of your approvers and acts only with their signatures. Then not
          even somebody who has taken this control plane over can run anything on it. Its owner pins it on the server
          itself; from then on only the present holders can change it.
        </p>
      </div>
      <ol className="space-y-5">
        <Step number={1} title="Have a key">
          <Loaded query={passkeys} lines={1}>
            {({ passkeys: all }) => {
              const [first] = all;
              return first ? (
                <Command label={`Public key of your passkey “${first.name}”`} text={first.key} />
              ) : (
                <p className="text-sm text-dim">
                  A passkey that you add in{' '}
                  <Link to="/account" className="underline underline-offset-2">
                    your account
                  </Link>
                  , or a key file:
                </p>
              );
            }}
          </Loaded>
          <Command label="Or a key file" text="countersign key create --out approver.key" />
        </Step>
        <Step number={2} title="Make the first state, with everybody’s public keys">
          <Command
            label="On your own machine"
            text={`countersign lock init --holder ${holder}=${passkeys.data?.passkeys[0]?.key ?? 'KEY'}`}
          />
          <p className="text-sm text-dim">
            It writes <code className="font-mono text-xs">lock.json</code> and shows a recovery secret once: keep that
            on paper. A lock file that is there already can be opened here instead.
          </p>
          {owner && <BringLock />}
        </Step>
        <Step number={3} title="Pin it on each server, as its owner">
          <Command
            label="On the server"
            text="sudo /opt/countersign/current/bin/countersign-agent lock pin lock.json"
          />
          <p className="text-sm text-dim">
            For a new server, give the file to the installer:{' '}
            <code className="font-mono text-xs">--lock-keys lock.json</code>.
          </p>
        </Step>
      </ol>
    </Card>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: React.ReactNode }) {
  return (
    <li className="flex gap-3">
      <span
        aria-hidden
        className="mt-0.5 flex size-5 shrink-0 items-center justify-center rounded-full bg-sunken text-2xs font-semibold text-dim"
      >
        {number}
      </span>
      <div className="min-w-0 flex-1 space-y-2">
        <p className="font-medium">{title}</p>
        {children}
      </div>
    </li>
  );
}
