import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { prove } from './prove.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('databases');
  await startPostgres(ground.host);
  await startRedis(ground.host);
});
after(async () => ground?.[Symbol.asyncDispose]());

/** Fast to start and with nothing to keep: the host is gone after the test. */
async function startPostgres(host: Host): Promise<void> {
  await host.writeFile('/etc/postgresql/15/main/conf.d/test.conf', 'fsync = off\nautovacuum = off\n');
  await host.exec(['systemctl', 'start', 'postgresql@15-main']);
  await psql(host, 'CREATE TABLE orders (id int, note text)');
  await psql(host, "INSERT INTO orders VALUES (1, 'first')");
}

async function startRedis(host: Host): Promise<void> {
  const password = `sed -i 's/^# *requirepass .*/requirepass "not 4 you"/' /etc/redis/redis.conf`;
  await host.exec(['sh', '-c', `${password} && systemctl start redis-server`]);
}

const POSTGRES = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'];

async function psql(host: Host, statement: string): Promise<string> {
  return (await host.exec([...POSTGRES, 'psql', '-XAtq', '-c', statement])).stdout.trim();
}

/** A client that stays: a unit in the host that feeds psql with statements. */
async function startClient(host: Host, name: string, statements: readonly string[]): Promise<void> {
  const script = statements.map((statement) => `${statement}\n`).join('');
  await host.writeFile(`/srv/${name}.sql`, script);
  const feed = `(cat /srv/${name}.sql; exec sleep 600) | PGAPPNAME=${name} psql -Xq`;
  await host.exec(['systemd-run', '--quiet', `--unit=${name}`, '--property=User=postgres', 'sh', '-c', feed]);
}

async function stopClients(host: Host): Promise<void> {
  await host.exec(['systemctl', 'stop', 'shop-*.service'], { okCodes: 'any' });
  await host.waitFor(
    async () =>
      (await psql(host, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'shop-%'")) === '0',
  );
}

/** How many sessions wait for a lock. */
const waiting = (host: Host) => psql(host, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");

const idleFor = (host: Host, age: string) =>
  psql(
    host,
    `SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND state_change < now() - interval '${age}'`,
  );

/** One client forgot its transaction; those of the other names want the row as well, one behind the other. */
async function holdRow(host: Host, others: Readonly<Record<string, readonly string[]>>): Promise<void> {
  await startClient(host, 'shop-holder', ['BEGIN;', CHANGE]);
  await host.waitFor(async () => (await idleFor(host, '0 s')) === '1');
  for (const [index, [name, statements]] of Object.entries(others).entries()) {
    await startClient(host, name, statements);
    await host.waitFor(async () => (await waiting(host)) === String(index + 1));
  }
  // The playbook only ends a session that has been idle for a second at least.
  await host.waitFor(async () => (await idleFor(host, '1 s')) === '1');
}

const CHANGE = "UPDATE orders SET note = current_setting('application_name') WHERE id = 1;";

prove(() => ground, {
  playbook: 'pg.terminate_idle_tx',
  when: 'a session is idle in a transaction and keeps another one waiting',
  breakIt: (host) => holdRow(host, { 'shop-waiter': [CHANGE] }),
  sees: { diagnostic: 'postgres', kind: 'postgres.blocked' },
  parameters: { watch: '1s' },
  async mended(host) {
    await host.waitFor(async () => (await psql(host, 'SELECT note FROM orders WHERE id = 1')) === 'shop-waiter');
    assert.equal(await waiting(host), '0');
  },
  spoil: {
    how: 'the next client does the same',
    async breakIt(host) {
      await stopClients(host);
      await holdRow(host, { 'shop-second': ['BEGIN;', CHANGE], 'shop-waiter': [CHANGE] });
    },
    parameters: 'seen',
    undo: 'impossible',
    undone: async (host) => assert.equal(await waiting(host), '1'),
  },
  clear: stopClients,
});
