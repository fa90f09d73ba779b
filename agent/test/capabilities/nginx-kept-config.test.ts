import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { putBack } from '@countersign/agent/capabilities/nginx/kept-config';
import { nginxReload } from '@countersign/agent/capabilities/nginx/nginx-reload';
import { newestBackupOf } from '@countersign/agent/host/backups';
import { Place } from './context.ts';

/** A context in which nginx has read these files. */
function reading(place: Place, ...paths: string[]) {
  const stdout = paths.map((path) => `# configuration file ${path}:\n`).join('\n');
  const exec = async () => ({
    ...{ exitCode: 0, signal: null, stdout, stderr: '', timedOut: false, truncated: false, ms: 1, notStarted: null },
  });
  return { ...place.change({ step: 'reload.undo' }), exec };
}

const kept = (content: string) => ({
  content,
  mode: 0o644,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
});

test('when the configuration of nginx is put back, what somebody wrote meanwhile is kept, also when it is begun again', async () => {
  using place = new Place();
  const [site, more, other] = ['site', 'more', 'other'].map((name) => place.at(name)) as [string, string, string];
  writeFileSync(site, 'written for an hour');
  writeFileSync(more, 'new');
  writeFileSync(other, 'newer');
  const backup = (path: string) => newestBackupOf(place.stateDir, path)?.content.toString();
  const files = { [site]: kept('as it was') };
  assert.deepEqual(await putBack(reading(place, site, more), files), { set: 1, taken: 1 });
  assert.equal(readFileSync(site, 'utf8'), 'as it was');
  assert.deepEqual([backup(site), backup(more)], ['written for an hour', 'new']);
  assert.deepEqual(await putBack(reading(place, site, other), files), { set: 0, taken: 1 });
  assert.deepEqual([backup(site), backup(more), backup(other)], ['written for an hour', 'new', 'newer']);
});

test('when one of the files may not be touched, none of them is', async () => {
  using place = new Place();
  mkdirSync(place.at('sites'));
  const site = place.at('sites/site');
  writeFileSync(site, 'new');
  const context = reading(place, site, '/etc/hosts');
  await assert.rejects(putBack(context, { [place.at('gone')]: kept('as it was') }), { code: 'path_denied' });
  assert.deepEqual([readFileSync(site, 'utf8'), readdirSync(place.root)], ['new', ['sites']]);
  assert.deepEqual(readdirSync(place.stateDir), []);
});

test('when what nginx had read was not known at the start, its reload is one that nothing takes back', () => {
  const parameters = { unit: 'nginx.service' } as const;
  assert.equal(nginxReload.irreversible?.(parameters, { backup: null, worker: '7:1' }), true);
  assert.equal(nginxReload.irreversible?.(parameters, { backup: 'act-reload.bak', worker: '7:1' }), false);
});
