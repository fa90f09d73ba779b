/** For operations that ask for a fresh proof only now and then, by rule or long after signing in: asked without one first. */
import type { InputOf, OutputOf } from '@countersign/protocol/operator-api/index';
import { type ReactNode, useState } from 'react';
import { isFault } from '../api/client.ts';
import { useOperation } from '../api/queries.ts';
import { ProofDialog } from './proof-dialog.tsx';

type Name = 'createToken' | 'invitePerson' | 'removePerson' | 'startTotp';

interface Proved<N extends Name> {
  run(input: InputOf<N>, onDone?: (output: OutputOf<N>) => void): void;
  readonly isPending: boolean;
  readonly error: unknown;
  readonly data: OutputOf<N> | undefined;
  /** The question for the proof while there is one: to be put on the page. */
  readonly dialog: ReactNode;
}

export function useProved<N extends Name>(
  name: N,
  touches: Parameters<typeof useOperation>[1],
  { title, verb }: { title: string; verb: string },
): Proved<N> {
  const work = useOperation(name, touches);
  const [asking, setAsking] = useState<{ input: InputOf<N>; onDone?: (output: OutputOf<N>) => void } | null>(null);
  const run: Proved<N>['run'] = (input, onDone) =>
    work.mutate(input, {
      onSuccess: (output) => onDone?.(output),
      onError: (error) => {
        if (isFault(error, 'proof_needed')) setAsking({ input, ...(onDone ? { onDone } : {}) });
      },
    });
  return {
    run,
    isPending: work.isPending,
    error: asking || isFault(work.error, 'proof_needed') ? null : work.error,
    data: work.data,
    dialog: asking && (
      <ProofDialog
        title={title}
        description="This takes a fresh proof that it is you."
        verb={verb}
        onProof={async (proof) => {
          const output = await work.mutateAsync({ ...asking.input, proof });
          setAsking(null);
          asking.onDone?.(output);
        }}
        onClose={() => setAsking(null)}
      />
    ),
  };
}
