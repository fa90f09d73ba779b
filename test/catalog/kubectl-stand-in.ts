/**
 * Puts a stand-in for kubectl into a test host, since no cluster can be had there. It answers as kubectl does and writes down each
 * argv, so that a test sees what a real one would have been asked.
 */
import { readFile } from 'node:fs/promises';
import type { Host } from '../hosts/host.ts';

const FOLDER = '/srv/kube';

export interface Cluster {
  readonly pods?: readonly object[];
  readonly deployments?: readonly object[];
  readonly horizontalpodautoscalers?: readonly object[];
  readonly poddisruptionbudgets?: readonly object[];
  /** What the pods of a new revision do: nothing, or crash a moment after they are available. */
  readonly rollout?: 'fine' | 'crash';
  /** A pod that is there a moment after others were deleted. */
  readonly fails_later?: object;
}

export async function installKubectl(host: Host): Promise<void> {
  const script = await readFile(new URL('kubectl-stand-in.py', import.meta.url), 'utf8');
  await host.writeFile('/usr/local/bin/kubectl', script, '0755');
  await setCluster(host, {});
}

/** Makes the cluster anew and forgets what was asked. */
export async function setCluster(host: Host, cluster: Cluster): Promise<void> {
  const empty = { pods: [], deployments: [], horizontalpodautoscalers: [], poddisruptionbudgets: [], rollout: 'fine' };
  await host.writeFile(`${FOLDER}/state.json`, JSON.stringify({ ...empty, ...cluster }));
  await host.writeFile(`${FOLDER}/record`, '');
}

export async function clusterNow(host: Host): Promise<{ pods: Named[]; deployments: DeploymentNow[] }> {
  return JSON.parse(await host.readFile(`${FOLDER}/state.json`));
}

interface Named {
  readonly metadata: { readonly name: string };
}
interface DeploymentNow extends Named {
  readonly spec: { readonly replicas: number };
}

/** Changes one member of the cluster's state and leaves the rest. */
export async function changeCluster(host: Host, change: Partial<Cluster>): Promise<void> {
  const state = JSON.parse(await host.readFile(`${FOLDER}/state.json`));
  await host.writeFile(`${FOLDER}/state.json`, JSON.stringify({ ...state, ...change }));
}

/** The calls that would have changed the cluster, in their order. */
export async function changingCalls(host: Host): Promise<string[]> {
  const lines = (await host.readFile(`${FOLDER}/record`)).trimEnd().split('\n');
  return lines
    .map((line) => JSON.parse(line) as { argv: string[]; home: string })
    .filter(({ argv }) => /^(rollout|scale|delete|apply|patch|edit|create|exec)$/.test(argv[0] ?? ''))
    .filter(({ argv }) => argv[1] !== 'status')
    .map(({ argv, home }) => `${home} ${argv.join(' ')}`);
}

/** A deployment of `web` in `shop` as the API gives it. */
export function deployment(replicas: number, available = replicas): object {
  return {
    metadata: {
      name: 'web',
      namespace: 'shop',
      uid: 'uid-web',
      generation: 4,
      annotations: { 'deployment.kubernetes.io/revision': '4' },
    },
    spec: { replicas, selector: { matchLabels: { app: 'web' } } },
    status: { observedGeneration: 4, replicas, updatedReplicas: replicas, availableReplicas: available },
  };
}

/** A pod of it, an hour old. `more` goes over its status. */
export function pod(name: string, phase: string, more: object = {}): object {
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      creationTimestamp: new Date(Date.now() - 3_600_000).toISOString(),
      labels: phase === 'Failed' ? { app: 'job' } : { app: 'web' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-4' }],
    },
    status: { phase, containerStatuses: [], ...more },
  };
}

/** The status of a pod whose program ends again and again. */
export function crashing(restarts: number): object {
  const terminated = { exitCode: 1, reason: 'Error', finishedAt: new Date(Date.now() - 20_000).toISOString() };
  return {
    containerStatuses: [
      {
        name: 'app',
        restartCount: restarts,
        ready: false,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated },
      },
    ],
  };
}
