import { fault } from '@countersign/protocol';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { count } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { CALL_OPTIONS, requireNamespace } from './deployment.ts';
import { within } from './kubectl.ts';
import { type Pod, readPods } from './read-pods.ts';

/** So many stand in one call; the rest is for the next action. */
const PODS_MAX = 50;

const memorySchema = z.object({ pods: z.array(z.string()) });

/** Deletes the pods of a namespace that have failed: those that were shown, by their names, and no other. */
export const deleteFailedPods: Changer<'k8s.delete_failed_pods'> = {
  predictable: true,
  async preview({ namespace }, context) {
    const { pods, more } = await failedPods(context, namespace);
    const bare = pods.filter(({ owned }) => !owned);
    return {
      preview: {
        argv: [deleteArgv(namespace, pods)],
        diff: null,
        effects: [
          `${count(pods.length, 'failed pod')} of namespace ${namespace} are deleted: ${pods.map(sayPod).join(', ')}.`,
          ...(bare.length > 0
            ? [`${bare.map(({ name }) => name).join(', ')}: nothing makes these again, and their logs are gone.`]
            : []),
          ...(more ? [`There are more than ${PODS_MAX}; the rest stays for another action.`] : []),
        ].map((effect) => effect.slice(0, 500)),
        undo: null,
      },
      witness: pods.map(({ name, uid }) => ({ subject: `pod ${namespace}/${name}`, property: 'uid', value: uid })),
    };
  },
  async remember({ namespace }, context) {
    const { pods } = await failedPods(context, namespace);
    return { pods: pods.map(({ name }) => name) };
  },
  async perform({ namespace }, memory, context) {
    const { pods } = memorySchema.parse(memory);
    const argv = deleteArgv(
      namespace,
      pods.map((name) => ({ name })),
    );
    const calls = await runCalls(context, [argv], { ...CALL_OPTIONS, timeoutMs: 60_000 });
    return resultOfCalls(calls, true, await sayLeft(context, namespace, pods));
  },
  async recover({ namespace }, memory, context) {
    const ended = await recoverCalls(context, 1);
    return ended && recoveredResult(ended, await sayLeft(context, namespace, memorySchema.parse(memory).pods));
  },
};

function deleteArgv(namespace: string, pods: readonly Pick<Pod, 'name'>[]): string[] {
  return [
    'kubectl',
    'delete',
    'pod',
    ...within(namespace),
    '--ignore-not-found',
    '--',
    ...pods.map(({ name }) => name),
  ];
}

function sayPod({ name, reason }: Pod): string {
  return reason === '' ? name : `${name} (${reason})`;
}

async function failedPods(context: ObserveContext, namespace: string): Promise<{ pods: Pod[]; more: boolean }> {
  requireNamespace(namespace);
  const failed = (await readPods(context, namespace)).filter(({ phase }) => phase === 'Failed');
  if (failed.length === 0)
    throw fault('precondition_failed', { reason: `no pod of namespace ${namespace} has failed` });
  const pods = failed.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, PODS_MAX);
  return { pods, more: failed.length > PODS_MAX };
}

async function sayLeft(context: ObserveContext, namespace: string, pods: readonly string[]): Promise<string> {
  const left = new Set((await readPods(context, namespace)).map(({ name }) => name));
  const gone = pods.filter((name) => !left.has(name)).length;
  return `${gone} of ${count(pods.length, 'failed pod')} are gone.`;
}
