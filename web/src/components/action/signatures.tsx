/** For a locked server: whose signatures it asks for, who signed, and what exactly is signed. */
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import { escapeDeceptive } from '@countersign/protocol/text';
import { Link } from '@tanstack/react-router';
import { CircleCheck, CircleDashed, Lock } from 'lucide-react';
import { Disclosure } from '../../ui/disclosure.tsx';
import { Exactly } from '../../ui/time.tsx';
import { KeyName } from '../key-name.tsx';
import { lockOf } from './signing.ts';

export function Signatures({ action }: { action: ActionDetail }) {
  const lock = lockOf(action);
  if (lock === null || action.lock === null) return null;
  const { needed, signed } = action.lock;
  const holders = [...new Set(lock.keys.map(({ holder }) => holder))];
  return (
    <div className="space-y-3 text-sm">
      <p className="flex gap-2">
        <Lock aria-hidden className="mt-0.5 size-4 shrink-0 text-ok" />
        <span>
          {action.server.name} is locked: at {action.risk} risk it acts only with valid signatures of {needed} of{' '}
          {holders.length} {holders.length === 1 ? 'holder' : 'holders'}, and checks them itself. <b>{signed.length}</b>{' '}
          of {needed} {signed.length === 1 ? 'is' : 'are'} there.
        </span>
      </p>
      <ul aria-label="Holders of the lock" className="space-y-1.5">
        {holders.map((holder) => {
          const has = signed.includes(holder);
          const Icon = has ? CircleCheck : CircleDashed;
          return (
            <li key={holder} className="flex items-start gap-2">
              <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${has ? 'text-ok' : 'text-faint'}`} />
              <span className="min-w-0">
                <span className="font-medium">{escapeDeceptive(holder)}</span>{' '}
                <span className="text-dim">{has ? 'has signed' : 'has not signed'}</span>
              </span>
            </li>
          );
        })}
      </ul>
      <p className="text-dim">
        What is signed is the SHA-256 of the plan on this page. It is good for this action alone, and nothing starts
        after <Exactly at={new Date(action.plan.request.valid_until).toISOString()} />.
      </p>
      <Disclosure summary="Keys that count">
        <ul className="space-y-1">
          {lock.keys.map(({ key, holder }) => (
            <li key={key}>
              {escapeDeceptive(holder)}: <KeyName value={key} />
            </li>
          ))}
        </ul>
        <p className="mt-2 text-dim">
          As the server told them.{' '}
          <Link to="/lock" className="underline underline-offset-2">
            The lock
          </Link>
        </p>
      </Disclosure>
    </div>
  );
}
