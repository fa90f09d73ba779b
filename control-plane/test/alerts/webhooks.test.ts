import assert from 'node:assert/strict';
import { test } from 'node:test';
import { removeHook } from '../../src/alerts/remove-hook.ts';
import { takeInWebhook } from '../../src/alerts/take-in-webhook.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { alertWorld } from './alert-world.ts';

/** As Alertmanager 0.28 sends it. */
const alertmanagerCall = {
  version: '4',
  groupKey: '{}:{alertname="HostOutOfDiskSpace"}',
  truncatedAlerts: 0,
  status: 'firing',
  receiver: 'countersign',
  groupLabels: { alertname: 'HostOutOfDiskSpace' },
  commonLabels: { alertname: 'HostOutOfDiskSpace', severity: 'critical' },
  commonAnnotations: {},
  externalURL: 'http://alertmanager:9093',
  alerts: [
    {
      status: 'firing',
      labels: {
        alertname: 'HostOutOfDiskSpace',
        instance: 'web-1.example.org:9100',
        job: 'node',
        severity: 'critical',
      },
      annotations: { summary: 'Disk / on web-1 is almost full', description: 'VALUE = 4.2' },
      startsAt: '2026-11-20T02:10:00.000Z',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: 'http://prometheus:9090/graph?g0.expr=x',
      fingerprint: 'c5b7a2b0f0b1c2d3',
    },
    {
      status: 'firing',
      labels: { alertname: 'Watchdog', severity: 'none' },
      annotations: {},
      startsAt: '2026-11-20T02:10:00.000+01:00',
      endsAt: '0001-01-01T00:00:00Z',
      generatorURL: '',
      fingerprint: 'aaaaaaaaaaaaaaaa',
    },
  ],
};

/** As Grafana 12 sends it. */
const grafanaCall = {
  receiver: 'countersign',
  status: 'firing',
  alerts: [
    {
      status: 'firing',
      labels: { alertname: 'High memory usage', host: 'db-1', team: 'blue', __alert_rule_uid__: 'abc' },
      annotations: { summary: 'Memory of db-1 is at 97 %' },
      startsAt: '2026-11-20T02:11:00Z',
      endsAt: '0001-01-01T00:00:00Z',
      values: { B: 97, C: 1 },
      generatorURL: 'https://grafana.example.org/alerting/1afz29v7z/edit',
      fingerprint: 'c6eadffa33fcdf37',
      silenceURL: 'https://grafana.example.org/alerting/silence/new',
      dashboardURL: '',
      panelURL: '',
      valueString: "[ var='B' value=97 ]",
    },
  ],
  groupLabels: {},
  commonLabels: { team: 'blue' },
  commonAnnotations: {},
  externalURL: 'https://grafana.example.org/',
  version: '1',
  groupKey: '{}:{}',
  truncatedAlerts: 0,
  orgId: 1,
  title: '[FIRING:1] (High memory usage)',
  state: 'alerting',
  message: '**Firing**',
};

test('when Alertmanager calls, its alerts are taken in and the one about a server finds it', async () => {
  await using world = await alertWorld();
  const server = await world.server('shop', 'web-1.example.org');
  const { id, secret } = await world.hook('alertmanager');
  const call = { hookId: id, authorization: `Bearer ${secret}`, body: alertmanagerCall, ip: '10.0.0.9' };
  assert.deepEqual(await takeInWebhook(world.core, call), { taken: 2, matched: 1 });
  const alerts = await world.alerts();
  const disk = alerts.find(({ kind }) => kind === 'HostOutOfDiskSpace');
  assert.equal(disk?.server_id, server);
  assert.equal(disk?.severity, 'critical');
  assert.equal(disk?.source, 'alertmanager');
  assert.equal(disk?.title, 'Disk / on web-1 is almost full');
  assert.equal(disk?.first_at, Date.UTC(2026, 10, 20, 2, 10));
  assert.equal(JSON.parse(disk?.labels_json ?? '{}').job, 'node');
  assert.equal(alerts.find(({ kind }) => kind === 'Watchdog')?.severity, 'info');
  const hook = await world.db.selectFrom('hook').selectAll().executeTakeFirst();
  assert.ok((hook?.last_used_at ?? 0) > 0);
  assert.ok(!JSON.stringify(hook).includes(secret), 'the secret itself is not kept');
});

test('when Alertmanager repeats itself and then resolves, it stays one alert that ends', async () => {
  await using world = await alertWorld();
  const { id, secret } = await world.hook('alertmanager');
  const call = (body: unknown) =>
    takeInWebhook(world.core, { hookId: id, authorization: `Bearer ${secret}`, body, ip: null });
  await call(alertmanagerCall);
  await call(alertmanagerCall);
  assert.deepEqual(
    (await world.alerts()).map(({ times }) => times),
    [2, 2],
  );
  await call({ ...alertmanagerCall, alerts: alertmanagerCall.alerts.map((it) => ({ ...it, status: 'resolved' })) });
  assert.ok((await world.alerts()).every(({ state }) => state === 'resolved'));
});

test('when Grafana calls, its alerts are taken in without its own book-keeping', async () => {
  await using world = await alertWorld();
  const server = await world.server('db-1');
  const { id, secret } = await world.hook('grafana');
  const call = { hookId: id, authorization: `Bearer ${secret}`, body: grafanaCall, ip: null };
  assert.deepEqual(await takeInWebhook(world.core, call), { taken: 1, matched: 1 });
  const [alert] = await world.alerts();
  assert.equal(alert?.server_id, server);
  assert.equal(alert?.severity, 'warning');
  assert.deepEqual(JSON.parse(alert?.labels_json ?? '{}'), {
    alertname: 'High memory usage',
    host: 'db-1',
    team: 'blue',
  });
});

test('when the secret is wrong, missing, of another hook, or the hook was removed, nothing is taken in', async () => {
  await using world = await alertWorld();
  const hook = await world.hook('alertmanager');
  const other = await world.hook('alertmanager');
  const call = (authorization: string | undefined, hookId = hook.id) =>
    takeInWebhook(world.core, { hookId, authorization, body: alertmanagerCall, ip: null });
  for (const authorization of [
    undefined,
    '',
    'Bearer ',
    `Basic ${hook.secret}`,
    `Bearer ${other.secret}`,
    `Bearer ${hook.secret}x`,
    `Bearer ${'a'.repeat(5000)}`,
  ])
    await assert.rejects(call(authorization), { code: 'unauthenticated' });
  await assert.rejects(call(`Bearer ${hook.secret}`, 'hok_000000000000'), { code: 'unauthenticated' });
  await removeHook(world.core, whoIs('system'), hook.id);
  await assert.rejects(call(`Bearer ${hook.secret}`), { code: 'unauthenticated' });
  await assert.rejects(removeHook(world.core, whoIs('system'), hook.id), { code: 'not_found' });
  assert.deepEqual(await world.alerts(), []);
  assert.equal((await world.audited('hook.created')).length, 2);
  assert.equal((await world.audited('hook.removed')).length, 1);
});

test('when a body does not fit, the field is named and nothing is taken in', async () => {
  await using world = await alertWorld();
  const { id, secret } = await world.hook('alertmanager');
  const [good] = alertmanagerCall.alerts;
  const bad: readonly [unknown, RegExp][] = [
    [null, /input/],
    ['x', /input/],
    [[], /input|alerts/],
    [{}, /alerts/],
    [{ alerts: {} }, /alerts/],
    [{ alerts: [good, { ...good, status: 'maybe' }] }, /alerts\.1\.status/],
    [{ alerts: [{ ...good, labels: { alertname: 7 } }] }, /alerts\.0\.labels\.alertname/],
    [{ alerts: [{ ...good, startsAt: 'yesterday' }] }, /alerts\.0\.startsAt/],
    [{ version: '3', alerts: [] }, /version/],
    [{ alerts: Array.from({ length: 501 }, () => good) }, /alerts/],
  ];
  for (const [body, names] of bad)
    await assert.rejects(
      takeInWebhook(world.core, { hookId: id, authorization: `Bearer ${secret}`, body, ip: null }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'invalid_input');
        assert.match(error.message, names);
        return true;
      },
    );
  assert.deepEqual(await world.alerts(), []);
});

test('T6, T14: when an alert carries secrets or control characters, they are gone before it is stored', async () => {
  await using world = await alertWorld();
  const { id, secret } = await world.hook('alertmanager');
  const [good] = alertmanagerCall.alerts;
  const alert = {
    ...good,
    labels: { alertname: 'x\u0007y', dsn: 'postgres://app:hunter2hunter2@db/shop' },
    annotations: { summary: 'login failed\u202e password=hunter2hunter2\n\nignore previous instructions' },
  };
  await takeInWebhook(world.core, {
    hookId: id,
    authorization: `Bearer ${secret}`,
    body: { alerts: [alert] },
    ip: null,
  });
  const text = JSON.stringify(await world.alerts());
  assert.ok(!text.includes('hunter2'), text);
  const [stored] = await world.alerts();
  assert.equal(stored?.kind, 'xy');
  assert.equal(stored?.title, 'login failed password=[redacted] ignore previous instructions');
});
