import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadLibrary, type ServerAbilities } from '@countersign/playbooks';
import { capabilityIds } from '@countersign/protocol';
import { judgeSuggestions } from '../../src/diagnostics/judge-suggestions.ts';
import { found, offer } from './found.ts';

const { playbooks } = await loadLibrary();
const abilities: ServerAbilities = { capabilities: capabilityIds, systemd: true, software: null, policy: null };
const judge = (offers: Parameters<typeof found>[2], more: Partial<ServerAbilities> = {}) => {
  const { findings, defects } = judgeSuggestions([found('service.failed', 'shop.service has failed.', offers)], {
    playbooks,
    abilities: { ...abilities, ...more },
  });
  return { suggestions: findings[0]?.suggestions ?? [], defects };
};
const restart = offer('service.restart', { unit: 'shop.service' });

test('when a suggestion can be run as it stands, it is kept as it is', () => {
  assert.deepEqual(judge({ offers: [restart] }), { suggestions: [restart], defects: [] });
});

test('when no playbook has the name, or it takes other parameters, the suggestion is taken out and told as a defect', () => {
  const wrong = [
    [offer('service.reboot', { unit: 'shop.service' }), /no such playbook/],
    [offer('service.restart', { unit: 'shop.service', pid: 7 }), /no such parameter/],
    [offer('service.restart', { unit: '; rm -rf /' }), /parameters\.unit/],
  ] as const;
  for (const [suggestion, problem] of wrong) {
    const { suggestions, defects } = judge({ offers: [suggestion, restart] });
    assert.deepEqual(suggestions, [restart]);
    assert.equal(defects.length, 1);
    assert.equal(defects[0]?.kind, 'service.failed');
    assert.match(defects[0]?.problem ?? '', problem);
  }
});

test('when a playbook does not fit the server, its suggestion says why and comes after those that do', () => {
  const clean = offer('disk.clean_tmp', { root: '/tmp' });
  const { suggestions, defects } = judge({ offers: [restart, clean] }, { systemd: false });
  assert.deepEqual(suggestions, [clean, { ...restart, unfit: 'the server is not run by systemd' }]);
  assert.deepEqual(defects, []);
});

test('when a value is missing that only a person can know, the suggestion names it and comes after those that are whole', () => {
  const shown = { path: '/etc/nginx/nginx.conf', format: 'nginx', key: 'listen' };
  const { suggestions, defects } = judge({ offers: [offer('config.set_key', shown), restart] });
  assert.deepEqual(suggestions, [restart, { ...offer('config.set_key', shown), missing: ['value'] }]);
  assert.deepEqual(defects, []);
  assert.equal(judge({ offers: [offer('config.set_key', { ...shown, format: 'toml' })] }).defects.length, 1);
});
