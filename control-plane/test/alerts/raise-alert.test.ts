import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AlertReport, raiseAlert } from '../../src/alerts/raise-alert.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { alertWorld } from './alert-world.ts';

const START = Date.UTC(2026, 10, 20, 2, 10);

function report(more: Partial<AlertReport> = {}): AlertReport {
  return {
    source: 'agent',
    kind: 'disk',
    key: '/',
    state: 'firing',
    severity: 'warning',
    title: 'Disk / is 95 % full',
    serverId: null,
    labels: {},
    at: START,
    who: whoIs('agent'),
    ...more,
  };
}

test('when the same is reported again while it fires, it stays one alert and is counted', async () => {
  await using world = await alertWorld();
  const id = await world.server('web-1');
  const [first] = await raiseAlert(world.core, report({ serverId: id }));
  assert.equal(first?.change, 'fired');
  const [again] = await raiseAlert(
    world.core,
    report({ serverId: id, at: START + 1, severity: 'critical', title: '99 %' }),
  );
  assert.deepEqual(again, { id: first?.id, change: 'again' });
  const [alert, ...others] = await world.alerts();
  assert.deepEqual(others, []);
  assert.equal(alert?.times, 2);
  assert.equal(alert?.severity, 'critical');
  assert.equal(alert?.title, '99 %');
  assert.equal(alert?.first_at, START);
  assert.equal(alert?.last_at, START + 1);
  assert.equal((await world.audited('alert.fired')).length, 1);
});

test('when it is resolved and fires again, that is a new alert', async () => {
  await using world = await alertWorld();
  const outcomes = await raiseAlert(
    world.core,
    report(),
    report({ state: 'resolved', at: START + 10 }),
    report({ at: START + 20 }),
  );
  assert.deepEqual(
    outcomes.map(({ change }) => change),
    ['fired', 'resolved', 'fired'],
  );
  const [old, present] = await world.alerts();
  assert.equal(old?.state, 'resolved');
  assert.equal(old?.resolved_at, START + 10);
  assert.equal(present?.state, 'firing');
  assert.notEqual(old?.id, present?.id);
});

test('when reports come twice, because their acknowledgement was lost, nothing changes the second time', async () => {
  await using world = await alertWorld();
  const both = [report(), report({ state: 'resolved', at: START + 10 })];
  await raiseAlert(world.core, ...both);
  const before = await world.alerts();
  const outcomes = await raiseAlert(world.core, ...both);
  assert.ok(outcomes.every(({ change }) => change === 'known'));
  assert.deepEqual(await world.alerts(), before);
});

test('when something is resolved that never fired, nothing is made', async () => {
  await using world = await alertWorld();
  assert.deepEqual(await raiseAlert(world.core, report({ state: 'resolved' })), [{ id: null, change: 'known' }]);
  assert.deepEqual(await world.alerts(), []);
});

test('when server, source, kind or key differ, the alerts are different ones', async () => {
  await using world = await alertWorld();
  const id = await world.server('web-1');
  await raiseAlert(
    world.core,
    report(),
    report({ serverId: id }),
    report({ source: 'grafana' }),
    report({ kind: 'memory' }),
    report({ key: '/var' }),
  );
  assert.equal((await world.alerts()).length, 5);
});

test('when many report the same at once, one alert fires', async () => {
  await using world = await alertWorld();
  await Promise.all(Array.from({ length: 20 }, (_, n) => raiseAlert(world.core, report({ at: START + n }))));
  const alerts = await world.alerts();
  assert.equal(alerts.length, 1);
  assert.equal(alerts[0]?.times, 20);
});

test('when an alert begins or ends, dashboards and the timeline hear of it', async () => {
  await using world = await alertWorld();
  const [raised] = await raiseAlert(world.core, report());
  await raiseAlert(world.core, report({ state: 'resolved', at: START + 10 }));
  const told = world.live.filter(({ type }) => type === 'alert');
  assert.deepEqual(told, [
    { type: 'alert', id: raised?.id },
    { type: 'alert', id: raised?.id },
  ]);
  const lines = await world.db.selectFrom('timeline_entry').selectAll().orderBy('id').execute();
  assert.deepEqual(
    lines.map(({ title, alert_id }) => [title, alert_id]),
    [
      ['Disk / is 95 % full', raised?.id],
      ['Resolved: Disk / is 95 % full', raised?.id],
    ],
  );
});
