/** The changes of the lock, newest first: what each did, and who signed it. */
import type { LockState } from '@countersign/protocol/lock';
import type { OutputOf } from '@countersign/protocol/operator-api/index';
import { When } from '../../ui/time.tsx';
import { KeyName } from '../key-name.tsx';
import { describeChange, keyOfChange, numbersOfChange } from './describe-change.ts';

type Lock = OutputOf<'getLock'>;

/** Every key that ever was in the lock, with its holder: a signature may be by one that is gone since. */
function everyHolder({ first, state, changes }: Lock): ReadonlyMap<string, string> {
  const added = changes.flatMap(({ change: { change } }) => (change.change.kind === 'add' ? [change.change.key] : []));
  return new Map([...(first?.keys ?? []), ...added, ...(state?.keys ?? [])].map(({ key, holder }) => [key, holder]));
}

export function LockChanges({ lock }: { lock: Lock }) {
  const holders = everyHolder(lock);
  const keys = [...holders].map(([key, holder]) => ({ key, holder }));
  const everything = lock.state === null ? null : ({ ...lock.state, keys } satisfies LockState);
  const number = lock.first?.number ?? 0;
  return (
    <ol
      aria-label="Changes of the lock"
      className="divide-y divide-line overflow-hidden rounded-xl border border-line bg-surface shadow-lift"
    >
      {lock.changes
        .map(({ change: { change, signatures }, digest, by }, at) => {
          const key = keyOfChange(change);
          const signers = [...new Set(signatures.map((it) => holders.get(it.key) ?? 'an unknown key'))];
          return (
            <li key={digest} className="px-4 py-3 text-sm">
              <div className="flex flex-wrap items-baseline justify-between gap-x-4">
                <p className="font-medium">
                  <span className="mr-2 font-mono text-xs text-faint">{number + at + 1}</span>
                  {describeChange(change, everything)}
                </p>
                <span className="text-xs text-faint">
                  <When at={new Date(change.at).toISOString()} />
                </span>
              </div>
              {numbersOfChange(change, null).length > 0 && (
                <p className="text-dim">{numbersOfChange(change, null).join(' · ')}</p>
              )}
              {key && (
                <p className="text-dim">
                  <KeyName value={key} />
                </p>
              )}
              <p className="text-dim">
                {signers.length === 0
                  ? 'Signed by nobody: the secret was the proof'
                  : `Signed by ${signers.join(' and ')}`}
                {by && `; brought by ${by}`}
              </p>
            </li>
          );
        })
        .toReversed()}
      {lock.first && (
        <li className="px-4 py-3 text-sm">
          <p className="font-medium">
            <span className="mr-2 font-mono text-xs text-faint">{number}</span>The first state that is kept here
          </p>
          <p className="text-dim">
            {lock.first.keys.length} {lock.first.keys.length === 1 ? 'key' : 'keys'} of{' '}
            {[...new Set(lock.first.keys.map(({ holder }) => holder))].join(', ')}
          </p>
        </li>
      )}
    </ol>
  );
}
