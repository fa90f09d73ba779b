/** A state of the lock: its holders with their keys, and how many must sign for what. */
import type { LockState } from '@countersign/protocol/lock';
import { escapeDeceptive } from '@countersign/protocol/text';
import type { ReactNode } from 'react';
import { Facts } from '../../ui/facts.tsx';
import { KeyName } from '../key-name.tsx';
import { needs, needWords } from './describe-change.ts';

interface LockFactsProps {
  state: LockState;
  /** What can be done to a key. */
  forKey?: (key: string, holder: string) => ReactNode;
}

export function LockKeys({ state, forKey }: LockFactsProps) {
  const holders = [...new Set(state.keys.map(({ holder }) => holder))];
  return (
    <ul aria-label="Holders" className="space-y-3">
      {holders.map((holder) => (
        <li key={holder} className="text-sm">
          <p className="font-medium">{escapeDeceptive(holder)}</p>
          <ul aria-label={`Keys of ${holder}`}>
            {state.keys
              .filter((it) => it.holder === holder)
              .map(({ key }) => (
                <li key={key} className="flex min-h-8 items-center justify-between gap-2 text-dim">
                  <KeyName value={key} />
                  {forKey?.(key, holder)}
                </li>
              ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

export function LockNumbers({ state }: { state: LockState }) {
  const holders = new Set(state.keys.map(({ holder }) => holder)).size;
  return <Facts rows={needs.map((need) => [needWords[need], `${state.signatures[need]} of ${holders}`] as const)} />;
}
