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

interface LockNumbersProps {
  state: LockState;
  /** Whether the rest of the state is told too. */
  whole?: boolean;
}

export function LockNumbers({ state, whole = false }: LockNumbersProps) {
  const holders = new Set(state.keys.map(({ holder }) => holder)).size;
  const { party, recovery } = state;
  return (
    <Facts
      rows={[
        ...needs.map((need) => [needWords[need], `${state.signatures[need]} of ${holders}`] as const),
        ...(whole
          ? ([
              ['State', `number ${state.number} of chain ${state.chain}`],
              [
                'Passkeys of',
                party === null
                  ? 'no site: only key files count'
                  : escapeDeceptive(`${party.id}, on ${party.origins.join(', ')}`),
              ],
              [
                'Recovery',
                recovery === null
                  ? 'none: lost keys can only be replaced on each server'
                  : 'a secret on paper ends the lock',
              ],
            ] as const)
          : []),
      ]}
    />
  );
}
