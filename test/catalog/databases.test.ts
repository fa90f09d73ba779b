import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { type Ground, openGround } from './ground.ts';
import { carryOut, prove } from './prove.ts';

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
  // A session that sleeps does not notice that its client is gone.
  await psql(host, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'shop-%'");
  await host.waitFor(
    async () =>
      (await psql(host, "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'shop-%'")) === '0',
  );
}

/** How many sessions wait for a lock. */
const waiting = (host: Host) => psql(host, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'");

/** How many sessions have done something in their transaction, and nothing for so long; after its BEGIN alone one holds nothing yet. */
const idleFor = (host: Host, age: string) =>
  psql(
    host,
    `SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND NOT starts_with(query, 'BEGIN')
       AND state_change < now() - interval '${age}'`,
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
    watch: '20s',
    undo: 'impossible',
    undone: (host) => host.waitFor(async () => (await waiting(host)) === '1'),
  },
  clear: stopClients,
});

const sleeps = (host: Host) =>
  host.waitFor(
    async () => (await psql(host, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")) === '1',
  );

/** A client that takes the whole table and then does nothing useful for long; when that is cancelled, `next` follows. */
async function holdTable(host: Host, next: readonly string[] = []): Promise<void> {
  const hold = ['BEGIN;', 'LOCK TABLE orders;', 'SELECT pg_sleep(600);'];
  await startClient(host, 'shop-report', [...hold, ...next.flatMap((first) => [first, ...hold])]);
  await sleeps(host);
  await startClient(host, 'shop-waiter', [CHANGE]);
  await host.waitFor(async () => (await waiting(host)) === '1');
}

prove(() => ground, {
  playbook: 'pg.cancel_query',
  when: 'a query that takes for ever has a lock that another one waits for',
  breakIt: (host) => holdTable(host),
  sees: { diagnostic: 'postgres', kind: 'postgres.blocked' },
  parameters: { watch: '1s' },
  async mended(host) {
    await host.waitFor(async () => (await waiting(host)) === '0');
    const left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shop-report'";
    assert.equal(await psql(host, left), '1', 'the session itself stays');
  },
  spoil: {
    how: 'the same session begins the same query again',
    async breakIt(host) {
      await stopClients(host);
      await holdTable(host, ['ROLLBACK;']);
    },
    parameters: 'seen',
    watch: '20s',
    undo: 'impossible',
    undone: sleeps,
  },
  clear: stopClients,
});

const deadRows = async (host: Host) =>
  Number(await psql(host, "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'visits'"));

async function makeDeadRows(host: Host): Promise<void> {
  await psql(host, 'INSERT INTO visits SELECT generate_series(1, 20000)');
  await psql(host, 'DELETE FROM visits WHERE id > 5000');
  await host.waitFor(async () => (await deadRows(host)) >= 15_000);
}

prove(() => ground, {
  playbook: 'pg.vacuum_analyze',
  when: 'most rows of a table are dead',
  async breakIt(host) {
    await psql(host, 'CREATE TABLE visits (id int)');
    await makeDeadRows(host);
  },
  sees: { diagnostic: 'postgres', kind: 'postgres.dead_rows' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await deadRows(host), 0),
  spoil: {
    how: 'an old transaction may still want to see the dead rows',
    async breakIt(host) {
      await startClient(host, 'shop-old', ['BEGIN ISOLATION LEVEL REPEATABLE READ;', 'SELECT count(*) FROM orders;']);
      await host.waitFor(async () => (await idleFor(host, '0 s')) === '1');
      await makeDeadRows(host);
    },
    undo: 'impossible',
    undone: async (host) => assert.ok((await deadRows(host)) >= 15_000),
  },
  async clear(host) {
    await stopClients(host);
    await psql(host, 'DROP TABLE IF EXISTS visits');
  },
});

const PASSWORD = { REDISCLI_AUTH: 'not 4 you' };
const redisCli = async (host: Host, ...words: string[]) =>
  (await host.exec(['redis-cli', ...words], { env: PASSWORD })).stdout.trim();

const MEGABYTE = 1024 ** 2;
const limitOf = async (host: Host) => Number((await redisCli(host, 'CONFIG', 'GET', 'maxmemory')).split('\n')[1]);

async function fillRedis(host: Host): Promise<void> {
  await redisCli(host, 'FLUSHALL');
  await redisCli(host, 'CONFIG', 'SET', 'maxmemory', '40mb');
  const fill = "for i = 1, 3600 do redis.call('set', 'k' .. i, string.rep('x', 10200)) end";
  await redisCli(host, 'EVAL', fill, '0');
}

prove(() => ground, {
  playbook: 'redis.relieve',
  when: 'Redis, which asks for a password, is near its limit',
  breakIt: fillRedis,
  sees: { diagnostic: 'redis', kind: 'redis.memory_full' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await limitOf(host), 50 * MEGABYTE),
  spoil: {
    how: 'what is written fills the new limit as well',
    async breakIt(host) {
      await fillRedis(host);
      const write = "for i = 1, 300 do redis.call('set', 'w' .. redis.call('incr', 'n'), string.rep('x', 10200)) end";
      const loop = `while :; do redis-cli EVAL "${write}" 0; sleep 0.1; done`;
      const setting = `--setenv=REDISCLI_AUTH=${PASSWORD.REDISCLI_AUTH}`;
      await host.exec(['systemd-run', '--quiet', '--unit=shop-writer', setting, 'sh', '-c', loop]);
    },
    watch: '20s',
    undo: 'done',
    undone: async (host) => assert.equal(await limitOf(host), 40 * MEGABYTE),
  },
  clear: (host) => host.exec(['systemctl', 'stop', 'shop-writer'], { okCodes: 'any' }),
});

hostTest('when Redis shall give memory back, it does; when its limit would be too high, it is refused', async () => {
  await redisCli(ground.host, 'FLUSHALL');
  const purge = await carryOut(ground, { playbook: 'redis.relieve' }, { action: 'memory_purge', watch: '1s' });
  assert.equal(purge.state, 'succeeded', purge.status);
  await assert.rejects(
    carryOut(ground, { playbook: 'redis.relieve' }, { action: 'maxmemory', maxmemory: '4000G', watch: '1s' }),
    /more than 75 % of the/,
  );
});

hostTest(
  'T16: when a user of the database makes functions of the names that the superuser calls, none of them runs',
  async () => {
    const { assistant, name, host } = ground;
    await psql(host, 'CREATE ROLE intruder; GRANT CREATE ON SCHEMA public TO intruder');
    const take = "BEGIN RAISE EXCEPTION 'it ran as %', current_user; END";
    await psql(
      host,
      `SET ROLE intruder; CREATE FUNCTION public.take(jsonb, jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$ ${take} $$;
       CREATE AGGREGATE public.jsonb_agg(jsonb) (sfunc = public.take, stype = jsonb)`,
    );
    try {
      await assert.rejects(psql(host, "SELECT jsonb_agg(x) FROM (SELECT '1'::jsonb AS x) y"), /it ran as postgres/);
      const { findings } = await assistant('runDiagnostic', { server: name, diagnostics: ['postgres'] });
      const kinds = findings.map(({ kind }) => kind);
      assert.ok(kinds.includes('postgres.calm'), JSON.stringify(findings));
    } finally {
      await psql(host, 'DROP OWNED BY intruder');
      await psql(host, 'DROP ROLE intruder');
    }
  },
);

hostTest('when a session asks for what is no text in any encoding, the others are seen all the same', async () => {
  const { assistant, name, host } = ground;
  await psql(host, "CREATE DATABASE raw TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'");
  const feed = `(printf "BEGIN; SELECT 1 AS \\"a\\\\377\\";\\n"; exec sleep 600) | PGAPPNAME=shop-raw psql -Xq -d raw`;
  try {
    await host.exec(['systemd-run', '--quiet', '--unit=shop-raw', '--property=User=postgres', 'sh', '-c', feed]);
    await host.waitFor(async () => (await idleFor(host, '0 s')) === '1');
    const { findings } = await assistant('runDiagnostic', { server: name, diagnostics: ['postgres'] });
    assert.ok(
      findings.some(({ kind }) => kind === 'postgres.calm'),
      JSON.stringify(findings),
    );
  } finally {
    await stopClients(host);
    await psql(host, 'DROP DATABASE IF EXISTS raw');
  }
});

hostTest('T14: when Redis has a password, it stands in no finding, action or journal', async () => {
  const { assistant, world, name, host } = ground;
  const said = JSON.stringify([
    await assistant('runDiagnostic', { server: name, diagnostics: ['redis'] }),
    await world.owner('listActions', {}),
    (await host.exec(['journalctl', '--no-pager', '--output=json'])).stdout,
  ]);
  assert.ok(said.includes('"redis.'), 'the diagnostic saw it');
  assert.ok(!said.includes(PASSWORD.REDISCLI_AUTH));
});

hostTest('when PostgreSQL or Redis does not run, it is told, and its start is offered', async () => {
  const { assistant, name, host } = ground;
  await host.exec(['systemctl', 'stop', 'postgresql@15-main', 'redis-server']);
  const { findings } = await assistant('runDiagnostic', { server: name, diagnostics: ['postgres', 'redis'] });
  const offers = findings.map(({ kind, suggestions }) => [kind, suggestions[0]?.playbook, suggestions[0]?.parameters]);
  assert.deepEqual(offers.toSorted(), [
    ['postgres.down', 'service.restart', { unit: 'postgresql@15-main.service' }],
    ['redis.down', 'service.restart', { unit: 'redis-server.service' }],
  ]);
});
