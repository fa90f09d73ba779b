import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { observers } from '@countersign/agent/capabilities/index';
import { Place } from './context.ts';

const noJournal = existsSync('/run/systemd/system') && 'this machine keeps a journal';

test('when there is no journal, nobody is told that nothing happened', { skip: noJournal }, async () => {
  using place = new Place();
  const memory = await observers.memory_oom({ since: '24h' }, place.observe());
  assert.ok(memory.findings.some(({ kind }) => kind === 'diagnostic.blind_spot'));
  assert.equal(
    memory.findings.some(({ title }) => /was killed/.test(title)),
    false,
  );
  assert.equal(memory.figures.oom_kills, null);
  const logs = await observers.logs({ since: '1h', lines: 10 }, place.observe());
  assert.ok(
    logs.findings.some(({ title }) => /The journal could not be seen: this machine keeps no journal/.test(title)),
  );
});
