import { fault, shorten } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { count } from '../report.ts';
import { type Calls, recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import { CALL_OPTIONS, requireNamespace } from './deployment.ts';
import { within } from './kubectl.ts';
import { type Pod, readPods } from './read-pods.ts';

/** So many stand in one call. */
const CALL_PODS = 50;
/** With more something else is wrong than that nobody cleaned up. */
const PODS_MAX = 500;

const memorySchema = z.object({ pods: z.array(z.object({ name: z.string(), uid: z.string() })) });
type Failed = z.output<typeof memorySchema>['pods'][number];

/** Deletes the pods of a namespace that have failed: those that were shown, by their names, and no other. */
export const deleteFailedPods: Changer<'k8s.delete_failed_pods'> = {
  predictable: true,
  async preview({ namespace }, context) {
    const pods = await failedPods(context, namespace);
    const bare = pods.filter(({ owned }) => !owned);
    return {
      preview: {
        argv: inCalls(pods).map((some) => argvOf(namespace, some)),
        diff: null,
        effects: [
          `${count(pods.length, 'failed pod')} of namespace ${namespace} ${pods.length === 1 ? 'is' : 'are'} deleted: ${pods.map(sayPod).join(', ')}.`,
          ...(bare.length > 0 ? [`Nothing makes these again: ${bare.map(nameOf).join(', ')}.`] : []),
          'What they wrote is gone with them.',
        ].map((effect) => shorten(effect, 500)),
        undo: null,
      },
      witness: [
        {
          subject: `namespace ${namespace}`,
          property: 'failed pods',
          value: sha256(pods.map(({ name, uid }) => `${name} ${uid}`).join('\n')),
        },
      ],
    };
  },
  async remember({ namespace }, context) {
    const pods = await failedPods(context, namespace);
    return { pods: pods.map(({ name, uid }) => ({ name, uid })) };
  },
  async perform({ namespace }, memory, context) {
    const { pods } = memorySchema.parse(memory);
    let calls: Calls = { last: null, argv: [], done: 0 };
    for (const some of inCalls(pods)) {
      const still = await stillFailed(context, namespace, some);
      if (still.length === 0) continue;
      const call = await runCalls(context, [argvOf(namespace, still)], { ...CALL_OPTIONS, timeoutMs: 60_000 });
      calls = { ...call, done: calls.done + call.done };
      if (call.done === 0) break;
    }
    return resultOfCalls(calls, true, await sayLeft(context, namespace, pods));
  },
  async recover({ namespace }, memory, context) {
    const { pods } = memorySchema.parse(memory);
    const ended = await recoverCalls(context, inCalls(pods).length);
    return ended && recoveredResult(ended, await sayLeft(context, namespace, pods));
  },
};

function argvOf(namespace: string, pods: readonly Failed[]): string[] {
  return ['kubectl', 'delete', 'pod', ...within(namespace), '--ignore-not-found', '--', ...pods.map(nameOf)];
}

function inCalls(pods: readonly Failed[]): (readonly Failed[])[] {
  const calls = Array.from({ length: Math.ceil(pods.length / CALL_PODS) }, (_, call) => call * CALL_PODS);
  return calls.map((from) => pods.slice(from, from + CALL_PODS));
}

/** Those that are the same as before: a stateful set makes another pod of the same name, and that one may be well. */
async function stillFailed(context: ObserveContext, namespace: string, pods: readonly Failed[]): Promise<Failed[]> {
  const now = new Set(
    (await readPods(context, namespace)).flatMap(({ uid, phase }) => (phase === 'Failed' ? uid : [])),
  );
  return pods.filter(({ uid }) => now.has(uid));
}

const nameOf = ({ name }: Pick<Pod, 'name'>) => name;

function sayPod({ name, reason }: Pod): string {
  return reason === '' ? name : `${name} (${reason})`;
}

async function failedPods(context: ObserveContext, namespace: string): Promise<Pod[]> {
  requireNamespace(namespace);
  const failed = (await readPods(context, namespace)).filter(({ phase }) => phase === 'Failed');
  if (failed.length === 0)
    throw fault('precondition_failed', { reason: `no pod of namespace ${namespace} has failed` });
  if (failed.length > PODS_MAX)
    throw fault('precondition_failed', { reason: `${failed.length} pods have failed, more than ${PODS_MAX}` });
  return failed.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

async function sayLeft(context: ObserveContext, namespace: string, pods: readonly Failed[]): Promise<string> {
  const left = new Set((await readPods(context, namespace)).map(({ uid }) => uid));
  const gone = pods.filter(({ uid }) => !left.has(uid)).length;
  return `${gone} of ${count(pods.length, 'failed pod')} are gone.`;
}
