import { fault, type ParametersOf } from '@countersign/protocol';
import { z } from 'zod';
import type { Changer, ObserveContext } from '../capability.ts';
import { recoverCalls, recoveredResult, resultOfCalls, runCalls } from '../run-calls.ts';
import {
  CALL_OPTIONS,
  deploymentWitness,
  requireDeployment,
  sayDeployment,
  spentBudgetOf,
  statusArgv,
} from './deployment.ts';
import { within } from './kubectl.ts';
import { type Deployment, findDeployment } from './read-deployments.ts';

const memorySchema = z.object({ revision: z.int(), generation: z.int() });

/** Starts the pods of a deployment anew. Taken back, it goes to the revision that it had. */
export const rolloutRestart: Changer<'k8s.rollout_restart'> = {
  predictable: true,
  async preview(parameters, context) {
    const deployment = await requireRestartable(context, parameters);
    const { namespace, name, desired, available, revision } = deployment;
    return {
      preview: {
        argv: argvOf(deployment),
        diff: null,
        effects: [
          `The ${desired} pods of ${namespace}/${name} are replaced by new ones, a few at a time; ${available} are available now.`,
        ],
        undo: `The deployment goes back to revision ${revision}.`,
      },
      witness: deploymentWitness(deployment),
    };
  },
  async remember(parameters, context) {
    const { revision, generation } = await requireRestartable(context, parameters);
    return { revision, generation };
  },
  async perform(parameters, _, context) {
    const deployment = await requireRestartable(context, parameters);
    const calls = await runCalls(context, argvOf(deployment), CALL_OPTIONS);
    return resultOfCalls(calls, true, await sayDeployment(context, deployment.namespace, deployment.name));
  },
  async undo({ namespace, deployment: name }, memory, context) {
    const { revision, generation } = memorySchema.parse(memory);
    const now = await findDeployment(context, namespace, name);
    if (now === null) return { changed: false, exit_code: 1, summary: 'The deployment is not there any more.' };
    // The generation changes with the call itself; the revision only once the controller has seen it.
    if (now.generation === generation)
      return { changed: false, exit_code: 0, summary: `${namespace}/${name} is at revision ${revision}, as before.` };
    if (now.revision !== null && now.revision > revision + 1)
      return {
        changed: false,
        exit_code: 1,
        summary: `Somebody else has rolled out revision ${now.revision} of ${namespace}/${name} meanwhile; it stays.`,
      };
    const back = [
      'kubectl',
      'rollout',
      'undo',
      ...within(namespace),
      `--to-revision=${revision}`,
      `deployment/${name}`,
    ];
    const calls = await runCalls(context, [back, statusArgv(now)], CALL_OPTIONS);
    return resultOfCalls(calls, true, await sayDeployment(context, namespace, name));
  },
  async recover({ namespace, deployment: name }, _, context) {
    const ended = await recoverCalls(context, 2);
    return ended && recoveredResult(ended, await sayDeployment(context, namespace, name));
  },
};

function argvOf(deployment: Deployment): string[][] {
  const { namespace, name } = deployment;
  return [['kubectl', 'rollout', 'restart', ...within(namespace), `deployment/${name}`], statusArgv(deployment)];
}

/** With one pod alone a restart would be an outage, and without a revision there would be no way back. */
async function requireRestartable(
  context: ObserveContext,
  parameters: ParametersOf<'k8s.rollout_restart'>,
): Promise<Deployment & { readonly revision: number }> {
  const deployment = await requireDeployment(context, parameters);
  const { namespace, name, desired, revision } = deployment;
  const budget = await spentBudgetOf(context, deployment);
  const reason =
    desired < 2
      ? `${namespace}/${name} has ${desired} replica, and 2 have to be`
      : revision === null
        ? `${namespace}/${name} has no revision to go back to`
        : budget !== null
          ? `the disruption budget ${budget} lets no pod go now`
          : null;
  if (reason !== null || revision === null)
    throw fault('precondition_failed', { reason: reason ?? 'it has no revision' });
  return { ...deployment, revision };
}
