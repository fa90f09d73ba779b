import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinResources, planResources, shareResource } from '../../src/actions/plan-resources.ts';

const resources = (capability: string, parameters: object) =>
  planResources({ steps: [{ id: 'one', capability, parameters, timeout_ms: 1 }] as never, undo: [] });

test('when a plan works on a container, a Compose project or a namespace, that is what it holds', () => {
  const restart = resources('container.restart', { container: 'web' });
  const up = resources('compose.up', { project: 'shop', service: 'web', pull: false });
  const scale = resources('k8s.scale', { namespace: 'shop', deployment: 'web', delta: 1 });
  assert.deepEqual([...restart, ...up, ...scale], ['container web', 'project shop', 'namespace shop']);
  assert.equal(shareResource(joinResources(restart), joinResources(scale)), false);
  const pods = resources('k8s.delete_failed_pods', { namespace: 'shop' });
  assert.equal(shareResource(joinResources(pods), joinResources(scale)), true);
  assert.deepEqual(resources('docker.prune', { until: '168h', builder: false }), ['docker']);
});
