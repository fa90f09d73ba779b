import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raiseAlert } from '../../src/alerts/raise-alert.ts';
import { takeInWebhook } from '../../src/alerts/take-in-webhook.ts';
import { whoIs } from '../../src/audit/ledger.ts';
import { addToTimeline } from '../../src/storage/timeline.ts';
import { write } from '../../src/storage/write.ts';
import { assistant, operationsWorld } from '../fleet/operations-world.ts';

type World = Awaited<ReturnType<typeof operationsWorld>>;
const START = Date.UTC(2026, 10, 20, 2, 10);

async function raise(
  world: World,
  count: number,
  serverId: string | null = null,
  state: 'firing' | 'resolved' = 'firing',
) {
  for (let n = 0; n < count; n += 1)
    await raiseAlert(world.core, {
      ...{ source: 'agent', kind: 'disk', key: `/${n}`, severity: 'warning', title: `Disk /${n} is full` },
      ...{ state, serverId, labels: { mount: `/${n}` }, at: START + n + (state === 'resolved' ? 1000 : 0) },
      who: whoIs('agent'),
    });
}

test('when alerts are listed, firing ones come first and pages follow each other across the border', async () => {
  await using world = await operationsWorld();
  const { id } = await world.add('web-1');
  await raise(world, 12, id);
  await raise(world, 5, id, 'resolved');
  const call = world.as(assistant);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listed>> = await listed(cursor);
    seen.push(...page.alerts.map(({ state, title }) => `${state} ${title}`));
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.equal(seen.length, 12);
  assert.equal(new Set(seen).size, 12);
  assert.deepEqual(
    seen.map((it) => it.split(' ')[0]),
    [...Array(7).fill('firing'), ...Array(5).fill('resolved')],
  );
  assert.equal(seen[0], 'firing Disk /11 is full', 'newest first');
  assert.equal((await call('listAlerts', {})).alerts.length, 7);
  assert.equal((await call('listAlerts', { state: 'resolved', server: 'web-1' })).alerts.length, 5);

  function listed(from: string | null) {
    return call('listAlerts', { state: 'all', limit: 4, ...(from ? { cursor: from } : {}) });
  }
});

test('when alerts of one server are asked for, those of others stay away', async () => {
  await using world = await operationsWorld();
  const { id } = await world.add('web-1');
  await world.add('web-2');
  await raise(world, 2, id);
  const call = world.as(assistant);
  assert.equal((await call('listAlerts', { server: 'web-1' })).alerts[0]?.server?.name, 'web-1');
  assert.deepEqual((await call('listAlerts', { server: 'web-2' })).alerts, []);
  await assert.rejects(call('listAlerts', { server: 'web-3' }), { code: 'server_not_found' });
  await assert.rejects(call('listAlerts', { cursor: 'firing-1-srv_1' }), { code: 'invalid_input' });
});

test('when a webhook is made, its address and secret take alerts in until it is removed', async () => {
  await using world = await operationsWorld();
  const made = await world.call('createHook', { name: 'prometheus', kind: 'alertmanager' });
  assert.equal(made.url, `${world.url}/hooks/${made.id}`);
  const [listed] = (await world.call('listHooks', {})).hooks;
  assert.deepEqual([listed?.name, listed?.kind, listed?.last_used_at], ['prometheus', 'alertmanager', null]);
  assert.ok(!JSON.stringify(listed).includes(made.secret));
  const body = { alerts: [{ status: 'firing', labels: { alertname: 'Down' }, annotations: {} }] };
  const visit = { hookId: made.id, authorization: `Bearer ${made.secret}`, body, ip: null };
  await takeInWebhook(world.core, visit);
  assert.equal((await world.call('listAlerts', {})).alerts[0]?.source, 'alertmanager');
  assert.notEqual((await world.call('listHooks', {})).hooks[0]?.last_used_at, null);
  await world.call('removeHook', { hook: made.id });
  await assert.rejects(takeInWebhook(world.core, visit), { code: 'unauthenticated' });
  await assert.rejects(world.call('removeHook', { hook: made.id }), { code: 'not_found' });
  assert.deepEqual((await world.call('listHooks', {})).hooks, []);
});

test('when the timeline is read, it comes newest first, page by page, and can be narrowed', async () => {
  await using world = await operationsWorld();
  const one = await world.add('web-1');
  await world.add('web-2');
  await write(world.db, async (trx) => {
    for (let n = 0; n < 9; n += 1)
      await addToTimeline(trx, { at: START + Math.floor(n / 3), kind: 'note', title: `note ${n}`, serverId: one.id });
  });
  const call = world.as(assistant);
  const titles: string[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof read>> = await read(cursor);
    titles.push(...page.entries.map(({ title }) => title));
    cursor = page.next_cursor;
  } while (cursor !== null);
  assert.deepEqual(
    titles.slice(-9),
    [8, 7, 6, 5, 4, 3, 2, 1, 0].map((n) => `note ${n}`),
  );
  assert.equal(titles.length, 11);
  assert.equal((await call('getTimeline', { server: 'web-1' })).entries.length, 10);
  const late = await call('getTimeline', { server: 'web-1', since: new Date(START + 2).toISOString() });
  assert.deepEqual(late.entries.map(({ title }) => title).slice(-3), ['note 8', 'note 7', 'note 6']);
  await assert.rejects(call('getTimeline', { alert: 'alr_000000000000' }), { code: 'alert_not_found' });
  await assert.rejects(call('getTimeline', { cursor: 'now' }), { code: 'invalid_input' });
  await assert.rejects(call('getTimeline', { server: 'web-9' }), { code: 'server_not_found' });

  function read(from: string | null) {
    return call('getTimeline', { limit: 4, ...(from ? { cursor: from } : {}) });
  }
});

test('when the timeline of one alert is asked for, it holds that alert alone', async () => {
  await using world = await operationsWorld();
  await raise(world, 3);
  const call = world.as(assistant);
  const [alert] = (await call('listAlerts', {})).alerts;
  const { entries } = await call('getTimeline', { alert: alert?.id ?? '' });
  assert.deepEqual(
    entries.map((entry) => [entry.title, entry.alert, entry.by]),
    [[alert?.title, alert?.id, 'agent']],
  );
});
