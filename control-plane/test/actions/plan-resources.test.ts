import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinResources, planResources, shareResource } from '../../src/actions/plan-resources.ts';

const of = (capability: string, parameters: object): string =>
  joinResources(planResources({ steps: [{ id: 'one', capability, parameters, timeout_ms: 1 } as never], undo: [] }));

test('when the whole server is to restart, it shares with whatever else is to be done there', () => {
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
