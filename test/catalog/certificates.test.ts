import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { ACME_NAMES, type AcmeTwin, startAcmeTwin } from '../world/acme-twin/start-acme-twin.ts';
import { LabCa } from '../world/lab-ca.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';

let ground: Ground;
let ca: LabCa;
let acme: AcmeTwin;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('certificates');
  const { host } = ground;
  ca = await LabCa.make();
  acme = await startAcmeTwin({ ca, address: host.gateway, servers: host.address });
  await host.writeFile('/usr/local/share/ca-certificates/lab.crt', ca.root);
  await host.exec(['update-ca-certificates']);
  const names = `${host.gateway} ${ACME_NAMES.join(' ')}\n`;
  await host.writeFile('/etc/hosts', `${await host.readFile('/etc/hosts')}\n${names}`);
  await reloadToTheEnd(host);
});
after(async () => {
  await acme?.[Symbol.asyncDispose]();
  await ca?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

const LIVE = '/etc/letsencrypt/live/shop.test';
/** Of the certificate that is about to end. */
const FIRST_DAYS = 10;
const SITE = `server {
  listen 443 ssl;
  server_name shop.test;
  ssl_certificate ${LIVE}/fullchain.pem;
  ssl_certificate_key ${LIVE}/privkey.pem;
  location / { return 200 "shop\\n"; }
}
`;

/** Has certbot get a certificate that is valid for so many days, and keeps all it has of it aside. */
async function obtain(host: Host, days: number): Promise<void> {
  acme.days = days;
  await host.exec(
    [
      ...['certbot', 'certonly', '--webroot', '-w', '/var/www/html', '-d', 'shop.test', '--non-interactive'],
      ...['--agree-tos', '--register-unsafely-without-email'],
    ],
    { timeoutMs: 60_000 },
  );
  await host.exec(['cp', '-a', '/etc/letsencrypt', '/srv/letsencrypt']);
  await host.writeFile('/etc/nginx/sites-enabled/shop', SITE);
}

/** Puts everything back as it was when the certificate had been obtained. */
async function turnBack(host: Host): Promise<void> {
  await host.exec(['sh', '-c', 'rm -r /etc/letsencrypt && cp -a /srv/letsencrypt /etc/letsencrypt']);
}

/**
 * nginx is only told to reload, and goes on serving as before until it has. Here a reload is over when the workers from before are
 * gone, so that whoever looks after it sees what is served from then on.
 */
async function reloadToTheEnd(host: Host): Promise<void> {
  const reload =
    'old=$$(pgrep -P $MAINPID); nginx -s reload && for pid in $$old; do while test -e /proc/$$pid; do sleep 0.05; done; done';
  const lines = ['[Service]', 'ExecReload=', `ExecReload=/bin/sh -c '${reload}'`];
  await host.writeFile('/etc/systemd/system/nginx.service.d/reload.conf', `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
}

async function serve(host: Host): Promise<void> {
  await host.exec(['systemctl', 'reload', 'nginx']);
  await host.waitFor(async () => Math.abs((await servedDays(host)) - FIRST_DAYS) <= 1);
}

/** How many days what nginx serves has left, asked past the product. */
async function servedDays(host: Host): Promise<number> {
  const script =
    'openssl s_client -connect 127.0.0.1:443 -servername shop.test </dev/null 2>/dev/null | openssl x509 -noout -enddate';
  const { stdout } = await host.exec(['sh', '-c', script], { okCodes: 'any' });
  return (Date.parse(stdout.trim().replace('notAfter=', '')) - Date.now()) / 86_400_000;
}

const versionOf = async (host: Host) => (await host.exec(['readlink', `${LIVE}/cert.pem`])).stdout.trim();

prove(() => ground, {
  playbook: 'tls.renew',
  when: 'a certificate is about to end',
  async breakIt(host) {
    await obtain(host, FIRST_DAYS);
    await serve(host);
    acme.days = 90;
  },
  sees: { diagnostic: 'tls_certs', kind: 'tls.expiring' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.ok((await servedDays(host)) > 80);
    assert.equal(acme.signed.staging, 1, 'it was rehearsed once');
  },
  spoil: {
    how: 'the authority gives one that is about to end as well',
    async breakIt(host) {
      await turnBack(host);
      await serve(host);
      acme.days = 5;
    },
    undo: 'done',
    async undone(host) {
      assert.match(await versionOf(host), /cert1\.pem$/);
      assert.ok((await servedDays(host)) > 8, 'the former one is served again');
      const { stdout } = await host.exec(['certbot', 'certificates', '--cert-name', 'shop.test']);
      assert.match(stdout, /VALID: 9 days/, 'certbot itself takes the former one for the present one');
    },
  },
  boundMs: 120_000,
});

/** Kinds and titles of what the diagnostic finds. */
async function found(parameters: { hosts?: string[]; paths?: string[] }): Promise<string[]> {
  const { assistant, name } = ground;
  const { findings } = await assistant('runDiagnostic', { server: name, diagnostics: ['tls_certs'], parameters });
  return findings.map(({ kind, title, suggestions }) => `${kind}: ${title} ${suggestions.map((it) => it.playbook)}`);
}

hostTest(
  'when another certificate lies in the file than is served, a name is not in it, nobody serves it or it has ended, it is told',
  async () => {
    const { host } = ground;
    const other = await ca.issue(['other.test'], 60);
    await host.writeFile('/etc/nginx/other.pem', other.certificate);
    await host.writeFile('/etc/nginx/other.key', other.key, '0600');
    const site = (certificate: string) =>
      `server { listen 8443 ssl; server_name www.shop.test; ssl_certificate ${certificate}; ssl_certificate_key /etc/nginx/other.key; }\n`;
    await host.writeFile('/etc/nginx/sites-enabled/other', site('/etc/nginx/other.pem'));
    await host.exec(['systemctl', 'reload', 'nginx']);
    await host.waitFor(['sh', '-c', 'ss -Hltn sport = :8443 | grep -q .']);
    const hosts = ['www.shop.test:8443'];
    const mismatch = await found({ hosts });
    assert.ok(
      mismatch.some((it) => /^tls\.name_mismatch: .* for other\.test, not for www\.shop\.test/.test(it)),
      mismatch.join(),
    );

    const renewed = await ca.issue(['www.shop.test'], 60);
    await host.writeFile('/etc/nginx/other.pem', renewed.certificate);
    await host.writeFile('/etc/nginx/other.key', renewed.key, '0600');
    const differs = await found({ hosts });
    assert.ok(
      differs.some((it) => /^tls\.served_differs: .* nginx\.reload_safe$/.test(it)),
      differs.join(),
    );

    const nobody = await found({ hosts: ['www.shop.test:8444'] });
    assert.ok(
      nobody.some((it) => /^tls\.not_served: /.test(it)),
      nobody.join(),
    );

    await host.writeFile('/etc/nginx/ended.pem', (await ca.issue(['www.shop.test'], 0)).certificate);
    const ended = await found({ paths: ['/etc/nginx/ended.pem'] });
    assert.ok(
      ended.some((it) => /^tls\.expired: /.test(it)),
      ended.join(),
    );
  },
);
