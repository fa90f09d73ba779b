import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dispatch } from '../../src/actions/dispatch.ts';
import { ConditionAlert } from '../../src/fleet/condition-alert.ts';
import { DUPLICATE } from '../../src/fleet/quarantine.store.ts';
import { type Heart, hasCode, heart, web1 } from './heart.ts';

/** As the fleet does when a second agent comes, and when an owner has looked. */
async function quarantine(h: Heart, holds: boolean): Promise<void> {
  const alert = new ConditionAlert(h.deps, { kind: DUPLICATE, severity: 'critical', begins: 'b', ends: 'e' });
  await alert.load();
  await h.clock.pass(1);
  alert.set(web1, holds);
  await alert.settled();
}

test('T2: when a server is in quarantine, no change can be asked for there, and elsewhere it can', async (t) => {
  const h = await heart(t);
  await quarantine(h, true);
  await assert.rejects(h.ask(), hasCode('server_quarantined', /web-1/));
  assert.equal(h.fleet.drafts.length, 0, 'it is not even asked');
  assert.equal((await h.lastDetails('request.refused'))?.details.error, 'server_quarantined');
  await h.ask({ server: 'db-1' });
  await quarantine(h, false);
  await h.ask();
});

test('T2: when a server gets into quarantine after an approval, the action does not leave', async (t) => {
  const h = await heart(t);
  const { actionId } = await h.ask();
  await h.answer(actionId);
  await quarantine(h, true);
  assert.equal(await dispatch(h.deps, actionId), 'revoked');
  assert.equal(await h.stateOf(actionId), 'denied');
  assert.deepEqual(h.fleet.grants, []);
  assert.match((await h.row(actionId)).fault_json ?? '', /server_quarantined/);
});
