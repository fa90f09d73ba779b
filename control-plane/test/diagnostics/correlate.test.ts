import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMs } from '../../../test/world/cpu-ms.ts';
import { correlate } from '../../src/diagnostics/correlate.ts';
import { rules } from '../../src/diagnostics/correlation-rules.ts';
import type { Change } from '../../src/diagnostics/joined.ts';
import type { Found } from '../../src/diagnostics/things-of.ts';
import { belonging } from './belonging.ts';
import { found, minutesAgo, now, offer } from './found.ts';

const join = (findings: readonly Found[], changes: readonly Change[] = []) => correlate(findings, { changes, now });

const loop = found(
  'service.crash_loop',
  'shop.service keeps ending with signal KILL and being restarted: 12 times so far.',
  {
    since: 1,
    output: `${minutesAgo(8)} systemd[1]: shop.service: Main process exited`,
    offers: [offer('service.restart', { unit: 'shop.service' })],
  },
);
const kill = (since: number, unit = 'shop.service', last = since) =>
  found('memory.oom_kill', `${unit} lost 12 processes to the out-of-memory killer in the last 24h.`, {
    since,
    output: `${minutesAgo(since)} kernel: Killed process 12\n${minutesAgo(last)} kernel: Killed process 99`,
    offers: [offer('service.memory_limit', { unit, max: '512M' })],
  });
const deployed = (minutes: number) =>
  found(
    'deploy.recent',
    `shop runs release 42, deployed ${minutes} minutes ago, and nobody can tell whether it is well; before it was 41.`,
    {
      severity: 'info',
      since: minutes,
      offers: [offer('deploy.rollback', { app: 'shop', to: '41' })],
    },
  );
const action = (minutes: number, things: readonly string[]): Change => ({
  action: 'act_000000000001',
  title: 'Set workers to 64 in /etc/shop/shop.env on web-1',
  at: now - minutes * 60_000,
  state: 'succeeded',
  things,
});

test('when a restart loop, kills for memory and a deploy fall into the same ten minutes, they are one finding that says why', () => {
  const calm = found('disk.calm', 'No file system is close to full.', { severity: 'ok' });
  const [first, ...rest] = join([calm, loop, kill(8, 'shop.service', 1), deployed(9)]);
  assert.deepEqual(rest, [calm]);
  assert.equal(first?.kind, 'together.killed_for_memory');
  assert.equal(first?.severity, 'critical');
  assert.match(
    first?.title ?? '',
    /^Killed for lack of memory, since a deploy: shop\.service keeps ending .* 12 times/,
  );
  assert.equal(first?.since, minutesAgo(8), 'the trouble began with the first kill, not with the deploy');
  assert.deepEqual(
    first?.together?.parts.map(({ kind }) => kind),
    ['service.crash_loop', 'memory.oom_kill', 'deploy.recent'],
  );
  assert.match(first?.together?.why.join(' ') ?? '', /very unit .* another release/);
  assert.deepEqual(
    first?.suggestions.map(({ playbook }) => playbook),
    ['deploy.rollback', 'service.memory_limit', 'service.restart'],
  );
  assert.match(first?.causes[0] ?? '', /new release/);
  assert.equal(first?.evidence.length, 2);
});

test('when kills for memory were of another unit, or were over hours before, they stay on their own', () => {
  for (const other of [kill(8, 'mail.service', 1), kill(300, 'shop.service', 290)])
    assert.deepEqual(join([loop, other]), [loop, other]);
});

test('when a deploy was long before, or after the trouble had begun, it is not blamed', () => {
  for (const minutes of [120, 0]) {
    const failed = found('service.failed', 'shop.service (Shop) has failed: exit-code, status 1.', { since: 5 });
    assert.deepEqual(join([failed, deployed(minutes)]), [failed, deployed(minutes)]);
  }
});

test('when a service fails without saying that there was no space, a full disk is not blamed', () => {
  const full = found('disk.mount_full', '/var is 100 % full; 0 bytes of 4 GB are free.');
  const failed = found('service.failed', 'db.service (DB) has failed: exit-code, status 1.', {
    since: 3,
    output: 'bad configuration',
  });
  assert.deepEqual(join([full, failed]), [full, failed]);
});

test('when several services fail on the same full disk, they are one finding', () => {
  const full = found('disk.mount_full', '/var is 100 % full; 0 bytes of 4 GB are free.', { diagnostic: 'disk' });
  const failed = ['db', 'mail', 'shop'].map((name) =>
    found('service.failed', `${name}.service (${name}) has failed: exit-code, status 1.`, {
      since: 3,
      output: 'write: No space left on device',
    }),
  );
  const joined = join([...failed, full]);
  assert.equal(joined.length, 1);
  assert.equal(joined[0]?.together?.parts.length, 4);
  assert.match(joined[0]?.title ?? '', /^A full disk stops what writes to it: \/var is 100 % full/);
});

test('when what is behind nginx was killed since a deploy, the whole chain is one finding that begins with its cause', () => {
  const refused = found(
    'nginx.upstream_errors',
    'http://127.0.0.1:3000 refused the connection: 40 requests failed in the last 15 minutes.',
  );
  const [first, ...rest] = join([refused, loop, kill(8, 'shop.service', 1), deployed(9)]);
  assert.deepEqual(rest, []);
  assert.match(
    first?.title ?? '',
    /^Killed for lack of memory, and nginx answers with errors, since a deploy: shop\.service/,
  );
  assert.equal(first?.together?.parts.length, 4);
});

test('when an action of ours on the same unit came minutes before, it is named as a likely cause', () => {
  const failed = found('service.failed', 'shop.service (Shop) has failed: exit-code, status 1.', { since: 5 });
  for (const things of [['unit shop.service'], ['path /etc/shop/shop.env', 'unit mail.service']]) {
    const [first] = join([failed], [action(8, things)]);
    assert.equal(first?.kind, 'together.since_action');
    assert.match(first?.title ?? '', /^Since an action here: shop\.service/);
    assert.match(
      first?.together?.why[0] ?? '',
      /The action act_000000000001 worked on \S+ 3 minutes before it began: “Set workers/,
    );
    assert.equal(first?.together?.parts.at(-1)?.action, 'act_000000000001');
    assert.match(first?.causes[0] ?? '', /act_000000000001/);
  }
});

test('when an action came after the trouble, long before it, or worked on another thing, it is not named', () => {
  const failed = found('service.failed', 'shop.service (Shop) has failed: exit-code, status 1.', { since: 5 });
  for (const change of [
    action(1, ['unit shop.service']),
    action(40, ['unit shop.service']),
    action(8, ['unit mail.service']),
  ])
    assert.deepEqual(join([failed], [change]), [failed]);
});

test('when an action worked on a thing that is well, nothing is said of it', () => {
  const well = found('service.running', 'shop.service is active (running) for 5 minutes.', {
    severity: 'ok',
    since: 5,
  });
  assert.deepEqual(join([well], [action(6, ['unit shop.service'])]), [well]);
});

test('when two diagnostics tell the very same, the one that says more stays', () => {
  const short = found('disk.mount_full', '/var is 98 % full; 1 GB are free.', { diagnostic: 'overview' });
  const long = found('disk.mount_full', '/var is 98 % full; 1 GB of 50 GB are free.', {
    diagnostic: 'disk',
    offers: [offer('disk.clean_tmp', {})],
  });
  assert.deepEqual(join([short, long]), [long]);
  assert.deepEqual(join([long, short]), [long]);
});

for (const { id } of rules)
  test(`rule ${id}: when its findings come together they are joined, and the one that leads stays alone without them`, () => {
    const cases = belonging[id];
    assert.ok(cases, 'every rule is shown by findings that belong together');
    const { lead, parts } = cases;
    const [first, ...rest] = join([...parts, lead]);
    assert.deepEqual(rest, [], 'one finding');
    assert.equal(first?.kind, `together.${id}`);
    assert.equal(first?.together?.parts.length, parts.length + 1);
    assert.deepEqual(join([lead]), [lead]);
    assert.deepEqual(join(parts), parts);
  });

for (const { id, parts } of rules.filter((rule) =>
  rule.parts.some((part) => part.says !== undefined && !part.optional),
))
  test(`rule ${id}: when what fails says nothing of it, nothing is joined`, () => {
    const cases = belonging[id];
    assert.ok(cases);
    const silent = cases.parts.map((part) =>
      found(part.kind, 'mail.service (Mail) has failed: exit-code, status 1.', {
        since: 4,
        output: 'listening with TLS on 10.0.0.7:443, certificate loaded, pool of 5, disk ok, apt, server time 02:13',
      }),
    );
    assert.deepEqual(join([cases.lead, ...silent]), [cases.lead, ...silent], `${parts.length} parts`);
  });

test('when several things ended while nginx could not reach one of them, none is blamed', () => {
  const refused = belonging.behind_nginx?.lead ?? assert.fail();
  const ended = ['shop', 'mail'].map((name) =>
    found('service.failed', `${name}.service (${name}) has failed: exit-code, status 1.`, { since: 4 }),
  );
  assert.deepEqual(join([refused, ...ended]), [refused, ...ended]);
});

test('when any findings come, none is lost: each is there on its own or as a part', () => {
  const all = Object.values(belonging).flatMap(({ lead, parts }) => [lead, ...parts]);
  for (let from = 0; from < all.length; from++) {
    const some = all.slice(from, from + 9);
    const out = join(some, [action(8, ['unit shop.service'])]);
    const told = out.flatMap(({ title, together }) =>
      together === undefined
        ? [title]
        : together.parts.flatMap((part) => (part.action === undefined ? [part.title] : [])),
    );
    assert.deepEqual(told.sort(), some.map(({ title }) => title).sort());
  }
});

test('when several findings show the same list, the joined one shows it once', () => {
  const list = 'one process\nand another';
  const hog = (name: string) =>
    found('cpu.runaway', `${name} used 90 % of a core for 2 s.`, { output: list, diagnostic: 'cpu_runaway' });
  const load = found('load.high', 'The load is 6.2 per core.', { severity: 'warning', diagnostic: 'overview' });
  const [first] = join([load, hog('a (process 1)'), hog('b (process 2)')]);
  assert.match(first?.kind ?? '', /^together\./);
  assert.equal(first?.evidence.filter(({ untrusted_output }) => untrusted_output === list).length, 1);
});

test('T14: when evidence is hostile, it is joined within a second and bounded', () => {
  const text = 'pool '.repeat(1600);
  const many = Array.from({ length: 400 }, (_, n) =>
    found(n % 2 === 0 ? 'logs.errors' : 'postgres.full', `Finding ${n} of unit-${n}.service.`, {
      output: `${text}${n}`,
    }),
  );
  const from = cpuMs();
  const out = join(many);
  assert.ok(cpuMs() - from < 1000);
  assert.ok(
    out.every(
      ({ evidence, suggestions, causes }) => evidence.length <= 10 && suggestions.length <= 5 && causes.length <= 5,
    ),
  );
});

test('T13: when a server sends as many findings of as many things as it can, they are joined within a second', () => {
  const ports = (n: number) =>
    Array.from({ length: 38 }, (_, k) => `port ${10_000 + ((n * 38 + k) % 50_000)}`).join(' ');
  const many = Array.from({ length: 500 }, (_, n) =>
    found(n % 2 === 0 ? 'service.crash_loop' : 'memory.oom_kill', ports(n).slice(0, 300), {
      since: 5,
      diagnostic: `d${n % 10}`,
      offers: Array.from({ length: 5 }, (_, k) =>
        offer('service.restart', { unit: `u${n}-${k}`, container: `c-${n}-${k}` }),
      ),
    }),
  );
  const from = cpuMs();
  const out = join(many);
  assert.ok(cpuMs() - from < 1000, `${Math.round(cpuMs() - from)} ms`);
  assert.ok(out.length > 0);
});
