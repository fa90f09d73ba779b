import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isIncident } from '@countersign/agent/capabilities/kubernetes/k8s';
import { isProtectedNamespace } from '@countersign/agent/capabilities/kubernetes/protected-namespaces';
import { parsePod } from '@countersign/agent/capabilities/kubernetes/read-pods';

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
