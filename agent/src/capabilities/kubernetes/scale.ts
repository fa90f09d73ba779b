import { fault, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { count } from '../report.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import {
  autoscalerOf,
  CALL_OPTIONS,
  deploymentWitness,
  requireDeployment,
  sayDeployment,
  statusArgv,
} from './deployment.ts';
import { within } from './kubectl.ts';
import { type Deployment, findDeployment } from './read-deployments.ts';

const memorySchema = z.object({ from: z.int(), to: z.int() });

/** Runs a pod or two more or fewer. kubectl itself holds it to the number that was, so nobody's change is overrun. */
export const scale: Changer<'k8s.scale'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const deployment = await requireScalable(context, parameters);
    const { namespace, name, desired, available } = deployment;
    const to = desired + parameters.delta;
    return {
      preview: {
        argv: [scaleArgv(deployment, desired, to), statusArgv(deployment)],
        diff: null,
        effects: [
          `${namespace}/${name} runs ${count(to, 'pod')} instead of ${desired}; ${available} are available now.`,
          ...(to < desired ? ['Kubernetes chooses which pods end; their connections are cut off.'] : []),
        ],
        undo: `It runs ${count(desired, 'pod')} again.`,
      },
      witness: deploymentWitness(deployment),
    };
  },
  async remember(parameters, context) {
    const { desired } = await requireScalable(context, parameters);
    return { from: desired, to: desired + parameters.delta };
  },
  async perform(parameters, memory, context) {
    const deployment = await requireScalable(context, parameters);
    const { from, to } = memorySchema.parse(memory);
    const argv = [scaleArgv(deployment, from, to), statusArgv(deployment)];
    const calls = await runCalls(context, argv, CALL_OPTIONS);
    return resultOfCalls(calls, true, await sayDeployment(context, deployment.namespace, deployment.name));
  },
  async undo({ namespace, deployment: name }, memory, context) {
    const { from, to } = memorySchema.parse(memory);
    const now = await findDeployment(context, namespace, name);
    if (now === null) return { changed: false, exit_code: 1, summary: 'The deployment is not there any more.' };
    if (now.desired === from)
      return { changed: false, exit_code: 0, summary: `${namespace}/${name} is to run ${from}, as before.` };
    if (now.desired !== to)
      return { changed: false, exit_code: 1, summary: `Somebody else set it to ${now.desired} meanwhile; it stays.` };
    const calls = await runCalls(context, [scaleArgv(now, to, from), statusArgv(now)], CALL_OPTIONS);
    return resultOfCalls(calls, true, await sayDeployment(context, namespace, name));
  },
  async recover({ namespace, deployment: name }, _, context) {
    const ended = await recoverCalls(context, 2);
    return ended && recoveredResult(ended, await sayDeployment(context, namespace, name));
  },
};

function scaleArgv({ namespace, name }: Deployment, from: number, to: number): string[] {
  return [
    'kubectl',
    'scale',
    ...within(namespace),
    `--current-replicas=${from}`,
    `--replicas=${to}`,
    `deployment/${name}`,
  ];
}

async function requireScalable(context: ObserveContext, parameters: ParametersOf<'k8s.scale'>): Promise<Deployment> {
  const deployment = await requireDeployment(context, parameters);
  const { namespace, name, desired } = deployment;
  if (desired + parameters.delta < 1)
    throw fault('precondition_failed', { reason: `${namespace}/${name} has ${desired}, and one has to stay` });
  const scaler = await autoscalerOf(context, deployment);
  if (scaler !== null)
    throw fault('precondition_failed', { reason: `the autoscaler ${scaler} sets how many pods ${name} has` });
  return deployment;
}
