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

test('when the whole server is to restart, it shares with whatever else is to be done there', () => {
  const of = (...step: Parameters<typeof resources>) => joinResources(resources(...step));
  const reboot = of('host.reboot', { reason: 'x' });
  const others = [
    of('unit.restart', { unit: 'nginx.service' }),
    of('ssh.block_ip', { address: '203.0.113.7' }),
    reboot,
  ];
  for (const other of others) {
    assert.equal(shareResource(reboot, other), true, other);
    assert.equal(shareResource(other, reboot), true, other);
  }
  assert.equal(shareResource(others[0] ?? '', others[1] ?? ''), false);
});
