/** A site that is down because of one bad line in nginx's configuration. */
import assert from 'node:assert/strict';
import type { Host } from '../hosts/host.ts';
import { eventually } from '../world/eventually.ts';

export const SITE_FILE = '/etc/nginx/conf.d/uploads.conf';
const GOOD = '# How much people may upload.\nclient_max_body_size 10m;\n';
const BAD = '# How much people may upload.\nclient_max_body_size 10Q;\n';

/** The request that mends it, as an assistant words it. */
export const MEND = {
  playbook: 'config.set_key',
  parameters: {
    path: SITE_FILE,
    format: 'nginx',
    key: 'client_max_body_size',
    value: '10m',
    validator: 'nginx',
    unit: 'nginx',
    probe_url: 'http://127.0.0.1/',
    watch: '1s',
  },
};

/** HTTP status of the site as the world outside sees it; 0 when nothing answers. */
export async function siteStatus(host: Host): Promise<number> {
  try {
    return (await fetch(`http://${host.address}/`)).status;
  } catch (error) {
    if (error instanceof TypeError) return 0; // connection refused
    throw error;
  }
}

/** Brings the site into its good state. */
export async function healSite(host: Host): Promise<void> {
  await host.writeFile(SITE_FILE, GOOD);
  await host.exec(['systemctl', 'reset-failed', 'nginx'], { okCodes: 'any' });
  await host.exec(['systemctl', 'restart', 'nginx']);
  assert.equal(await siteStatus(host), 200);
}

/** Breaks it: somebody saved a bad value and restarted nginx. */
export async function breakSite(host: Host): Promise<void> {
  await host.writeFile(SITE_FILE, BAD);
  await host.exec(['systemctl', 'restart', 'nginx'], { okCodes: 'any' });
  await eventually('the site to be down', async () => (await siteStatus(host)) === 0);
}
