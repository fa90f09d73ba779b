import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deleteFailedPods } from '@countersign/agent/capabilities/kubernetes/delete-failed-pods';
import { isIncident } from '@countersign/agent/capabilities/kubernetes/k8s';
import { isProtectedNamespace } from '@countersign/agent/capabilities/kubernetes/protected-namespaces';
import { parsePod } from '@countersign/agent/capabilities/kubernetes/read-pods';
import { rolloutRestart } from '@countersign/agent/capabilities/kubernetes/rollout-restart';
import type { ExecRequest, StepProcesses } from '@countersign/agent/host/execution';
import { journaled, Place } from './context.ts';

const NOW = Date.parse('2026-11-21T14:00:00Z');
const MINUTE = 60_000;

function containerOf(status: object) {
  const pod = parsePod({
    metadata: { name: 'web-1', namespace: 'shop', uid: 'u', creationTimestamp: '2026-11-21T13:00:00Z' },
    status: { phase: 'Running', containerStatuses: [{ name: 'app', restartCount: 0, ...status }] },
  });
  return pod?.containers[0] ?? assert.fail('the pod was not understood');
}

const crashed = (restartCount: number, exitCode = 1, finishedAt = '2026-11-21T13:59:50Z') =>
  containerOf({ restartCount, lastState: { terminated: { exitCode, reason: 'Error', finishedAt } } });

test('when pods of a rollout restart a little, it is no incident', () => {
  assert.equal(isIncident(crashed(3), NOW - 10 * MINUTE, NOW), false);
  assert.equal(isIncident(crashed(6, 0), NOW - 4 * MINUTE, NOW), false);
  assert.equal(isIncident(containerOf({}), NOW - 10 * MINUTE, NOW), false);
});

test('when a pod restarts many times and is not young, or crashes several times at whatever age, it is an incident', () => {
  assert.equal(isIncident(crashed(6, 0), NOW - 6 * MINUTE, NOW), true);
  assert.equal(isIncident(crashed(5, 0), NOW - 6 * MINUTE, NOW), false);
  assert.equal(isIncident(crashed(4), NOW - MINUTE, NOW), true);
});

test('when the last crash was long ago, the pod is well again', () => {
  assert.equal(isIncident(crashed(40, 1, '2026-11-20T00:00:00Z'), NOW - 90 * 24 * 60 * MINUTE, NOW), false);
});

test('when the cluster says something that is not known here, it is left out', () => {
  for (const item of [
    null,
    7,
    {},
    { metadata: { name: 'x' }, status: {} },
    { metadata: {}, status: { phase: 'Running' } },
  ])
    assert.equal(parsePod(item), null);
});

test('when a namespace belongs to the cluster or to Countersign, it is protected', () => {
  const names = ['shop', 'kube-system', 'kubeless', 'countersign', 'my-countersign'];
  assert.deepEqual(names.map(isProtectedNamespace), [false, true, false, true, false]);
});

const WELL = {
  ...{ exitCode: 0, signal: null, stderr: '', timedOut: false, truncated: false, ms: 1, notStarted: null },
};

/** A context whose kubectl answers with what `now` gives; the calls that change something are written down in `began`. */
function clusterOf(place: Place, now: () => unknown) {
  const began: string[] = [];
  const processes: StepProcesses = {
    start: async ({ argv }) => {
      began.push(argv.join(' '));
      return { ...WELL, stdout: '' };
    },
    ended: async () => null,
    stop: async () => undefined,
    forget: async () => undefined,
  };
  const exec = async (_: ExecRequest) => ({ ...WELL, stdout: JSON.stringify(now()) });
  return { context: { ...place.change(), exec, processes }, began };
}

const failedPod = (name: string, uid: string, phase = 'Failed') => ({
  metadata: { name, namespace: 'shop', uid, creationTimestamp: '2026-11-21T13:00:00Z' },
  status: { phase },
});

test('T8: when a failed pod was made anew under its name before it is deleted, the new one is left alone', async () => {
  using place = new Place();
  let items = [failedPod('db-0', 'old'), failedPod('job-a', 'a')];
  const { context, began } = clusterOf(place, () => ({ items }));
  const memory = journaled(await deleteFailedPods.remember?.({ namespace: 'shop' }, context));
  items = [failedPod('db-0', 'new', 'Running'), failedPod('job-a', 'a')];
  await deleteFailedPods.perform({ namespace: 'shop' }, memory, context);
  assert.deepEqual(began, ['kubectl delete pod --namespace=shop --ignore-not-found -- job-a']);
  items = [failedPod('db-0', 'new'), failedPod('job-a', 'b', 'Running')];
  assert.equal((await deleteFailedPods.perform({ namespace: 'shop' }, memory, context)).exit_code, 0);
  assert.equal(began.length, 1);
});

test('when somebody else has rolled out more meanwhile, a restart is not taken back over it', async () => {
  using place = new Place();
  const asked = { namespace: 'shop', deployment: 'web' };
  const deployment = (revision: number, generation: number) => ({
    metadata: {
      ...{ name: 'web', namespace: 'shop', uid: 'u', generation },
      annotations: { 'deployment.kubernetes.io/revision': String(revision) },
    },
    spec: { replicas: 2, selector: { matchLabels: { app: 'web' } } },
    status: { observedGeneration: generation, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
  });
  const undo = async (revision: number, generation: number) => {
    const { context, began } = clusterOf(place, () => deployment(revision, generation));
    const result = await rolloutRestart.undo?.(asked, { revision: 4, generation: 7 }, context);
    return [result?.exit_code, began[0] ?? 'nothing'];
  };
  const back = 'kubectl rollout undo --namespace=shop --to-revision=4 deployment/web';
  assert.deepEqual(await undo(4, 7), [0, 'nothing'], 'the call never came to the cluster');
  assert.deepEqual(await undo(4, 8), [0, back], 'the controller has not seen it yet');
  assert.deepEqual(await undo(5, 8), [0, back]);
  assert.deepEqual(await undo(6, 9), [1, 'nothing']);
});
