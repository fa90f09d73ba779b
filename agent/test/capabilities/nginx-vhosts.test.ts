import assert from 'node:assert/strict';
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  endOf,
  nginxMaintenance,
  serviceText,
  timerText,
  unitOf,
} from '@countersign/agent/capabilities/nginx/maintenance';
import { maintenanceFor } from '@countersign/agent/capabilities/nginx/maintenance-findings';
import { blocksIn, parseDump } from '@countersign/agent/capabilities/nginx/server-blocks';
import { Place } from './context.ts';

const DUMP = `# configuration file /etc/nginx/nginx.conf:
http { include sites/*; }
stream { server { listen 53; } }
# configuration file /etc/nginx/sites/shop:
server {
  listen 443 ssl http2; listen [::]:8443 ssl; listen unix:/run/a.sock; listen example.org;
  server_name shop.test "www.shop.test";
  ssl_certificate /etc/ssl/shop.pem;
  if (-f /srv/shop/maintenance) { return 503; }
  if ($request_method = POST) { return 405; }
  location / { proxy_pass http://127.0.0.1:9000; location /api { proxy_pass http://$backend; } }
}
# configuration file /etc/nginx/sites/broken:
server { listen 80
`;

test('when nginx prints its configuration, its virtual hosts are read, and what cannot be parsed is passed over', () => {
  assert.deepEqual(parseDump(DUMP).flatMap(blocksIn), [
    {
      file: '/etc/nginx/sites/shop',
      names: ['shop.test', 'www.shop.test'],
      listens: [
        { port: 443, tls: true },
        { port: 8443, tls: true },
        { port: 80, tls: false },
      ],
      certificate: '/etc/ssl/shop.pem',
      flags: ['/srv/shop/maintenance'],
      upstreams: ['127.0.0.1:9000'],
    },
  ]);
  assert.deepEqual(parseDump(''), []);
});

test('when an upstream is down, only the virtual hosts that pass requests to it are offered maintenance', () => {
  const blocks = parseDump(DUMP).flatMap(blocksIn);
  const [offer] = maintenanceFor('http://127.0.0.1:9000', blocks);
  assert.deepEqual(offer?.parameters, { vhost: 'shop.test', flag: '/srv/shop/maintenance', mode: 'on' });
  assert.deepEqual(maintenanceFor('http://127.0.0.1:9001', blocks), []);
});

test('when maintenance is asked for with a file that no virtual host asks for, that holds something, or beyond the roots, it is refused', async () => {
  using place = new Place();
  const exec = async () => ({
    ...{ exitCode: 0, signal: null, stdout: DUMP, stderr: '', timedOut: false, truncated: false, ms: 1 },
    notStarted: null,
  });
  const ask = (path: string, host = 'shop.test') =>
    nginxMaintenance.preview({ host, path, mode: 'on', expires: '1h' }, { ...place.observe(), exec });
  await assert.rejects(ask(place.at('flag')), { code: 'precondition_failed' });
  await assert.rejects(ask('/etc/flag'), { code: 'path_denied' });
  writeFileSync(place.at('page'), 'We are back soon.');
  await assert.rejects(ask(place.at('page')), /holds something/);
  await assert.rejects(ask(`${place.root}/a%n b`), /plain name/);
});

test('when a maintenance is timed, its end is one moment in UTC, and its units belong to the flag alone', () => {
  assert.match(timerText(Date.UTC(2026, 10, 21, 15, 1, 2)), /^OnCalendar=2026-11-21 15:01:02 UTC$/m);
  assert.equal(endOf(timerText(Date.UTC(2026, 10, 21, 15, 1, 2))), Date.UTC(2026, 10, 21, 15, 1, 2));
  assert.equal(endOf('[Timer]\nOnCalendar=daily\n'), Number.POSITIVE_INFINITY);
  assert.match(unitOf('/srv/a'), /^countersign-maintenance-[0-9a-f]{12}$/);
  assert.notEqual(unitOf('/srv/a'), unitOf('/srv/b'));
});

test('T15: when a maintenance ends in a folder of somebody else, it is he who removes the flag, wherever the folder leads by then', () => {
  using place = new Place();
  const [ours, theirs] = [place.at('flag'), place.at('app/flag')];
  mkdirSync(place.at('app'));
  const removes = (path: string) => /^ExecStart=(.* -- .*flag)$/m.exec(serviceText(path))?.[1];
  assert.equal(removes(ours), `/bin/rm -f -- ${ours}`);
  if (process.getuid?.() !== 0) return;
  chownSync(place.at('app'), 4711, 4712);
  assert.equal(removes(theirs), `setpriv --reuid=4711 --regid=4712 --clear-groups -- /bin/rm -f -- ${theirs}`);
});
