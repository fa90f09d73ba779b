import type { Suggestion } from '@countersign/protocol';
import { readMemory } from '../../host/system.ts';
import type { ObserveContext, Observer } from '../capability.ts';
import { orBlind } from '../or-blind.ts';
import { count, Report, sayBytes } from '../report.ts';
import { readUnitState } from '../units/unit-state.ts';
import { askRedis, askRedisOrFail, type RedisSilence } from './redis-cli.ts';
import { parseLatency, parseSlowlog, RedisInfo } from './redis-reading.ts';
import { raisedLimit } from './redis-relieve.ts';

const UNITS = ['redis-server.service', 'redis.service', 'valkey-server.service', 'valkey.service'];
const MEMORY_MANY = 90;
const MEMORY_FULL = 98;
const RAM_MANY = 0.6;
const FRAGMENTED = 1.5;
const FRAGMENTED_BYTES = 128 * 1024 ** 2;
const CLIENTS_MANY = 0.9;
const SLOW_MS = 100;
const RECENT_MS = 3_600_000;

/** Memory against its limit, evictions, refused connections, persistence and slow commands of one Redis. */
export const redis: Observer<'redis'> = async ({ port }, context) => {
  const report = new Report(context);
  const answer = await askRedis(context, port, ['INFO', 'everything']);
  report.figure('answers', answer.state === 'answered');
  if (answer.state !== 'answered') {
    await addSilence(report, context, answer, port);
    return report.finish();
  }
  const info = new RedisInfo(answer.text);
  addFigures(report, info);
  lookAtMemory(report, info, port);
  lookAtPersistence(report, info);
  lookAtClients(report, info);
  await orBlind(report, 'Slow commands', () => lookAtSlowness(report, context, port));
  if (report.isCalm)
    report.add({
      kind: 'redis.calm',
      severity: 'ok',
      title: `Redis ${info.text('redis_version')} answers and uses ${sayBytes(info.number('used_memory'))}.`,
    });
  return report.finish();
};

async function addSilence(report: Report, context: ObserveContext, silence: RedisSilence, port: number): Promise<void> {
  if (silence.state === 'not_installed') {
    report.add({ kind: 'redis.not_installed', severity: 'info', title: 'redis-cli is not installed on this server.' });
    return;
  }
  if (silence.state === 'refused') {
    report.blind(`Redis on port ${port}`, silence.reason);
    return;
  }
  report.add({
    kind: 'redis.down',
    severity: 'critical',
    title: `Redis does not answer on port ${port}: ${silence.reason}.`,
    causes: ['It was stopped, or could not start: see its unit with the diagnostic service.'],
    suggestions: await startOf(report, context),
  });
}

async function startOf(report: Report, context: ObserveContext): Promise<Suggestion[]> {
  for (const unit of UNITS) {
    const state = await orBlind(report, `The state of ${unit}`, () => readUnitState(context, unit));
    if (state === null) return [];
    if (state.exists && state.activeState !== 'active')
      return [{ playbook: 'service.restart', parameters: { unit }, why: `${unit} is ${state.activeState}.` }];
  }
  return [];
}

function addFigures(report: Report, info: RedisInfo): void {
  report.figure('version', info.text('redis_version'));
  report.figure('role', info.text('role'));
  for (const name of ['used_memory', 'maxmemory', 'evicted_keys', 'rejected_connections', 'connected_clients'])
    report.figure(name, info.number(name));
}

function lookAtMemory(report: Report, info: RedisInfo, port: number): void {
  const [used, limit, evicted] = [info.number('used_memory'), info.number('maxmemory'), info.number('evicted_keys')];
  const policy = info.text('maxmemory_policy');
  const percent = info.memoryPercent;
  if (percent >= MEMORY_MANY)
    report.add({
      kind: 'redis.memory_full',
      severity: percent >= MEMORY_FULL && policy === 'noeviction' ? 'critical' : 'warning',
      title: `Redis uses ${sayBytes(used)}, ${percent} % of its limit, and ${policy === 'noeviction' ? 'refuses writes when it is full' : `throws keys away by ${policy}: ${count(evicted, 'key')} so far`}.`,
      causes: ['Keys are written without a time to live.', 'The limit is too small for what is kept.'],
      suggestions: raise(info, port),
    });
  else if (evicted > 0)
    report.add({
      kind: 'redis.evictions',
      severity: 'info',
      title: `Redis has thrown ${count(evicted, 'key')} away by ${policy} since its start.`,
    });
  const ram = readMemory().totalBytes;
  if (limit === 0 && used >= ram * RAM_MANY)
    report.add({
      kind: 'redis.no_limit',
      severity: 'warning',
      title: `Redis uses ${sayBytes(used)} of ${sayBytes(ram)} and has no limit (maxmemory 0).`,
      causes: ['Without a limit the kernel ends it when the memory of the server is used up.'],
    });
  lookAtFragments(report, info, port);
}

function raise(info: RedisInfo, port: number): Suggestion[] {
  const maxmemory = raisedLimit(info.number('maxmemory'), readMemory().totalBytes);
  if (maxmemory === null) return [];
  return [
    {
      playbook: 'redis.relieve',
      parameters: { action: 'maxmemory', maxmemory, ...portIfOther(port) },
      why: `It raises the limit to ${maxmemory} until Redis starts anew; the limit stays below 75 % of the memory.`,
    },
  ];
}

function lookAtFragments(report: Report, info: RedisInfo, port: number): void {
  const [ratio, bytes] = [info.number('mem_fragmentation_ratio'), info.number('mem_fragmentation_bytes')];
  if (ratio < FRAGMENTED || bytes < FRAGMENTED_BYTES) return;
  report.add({
    kind: 'redis.fragmented',
    severity: 'warning',
    title: `Redis holds ${sayBytes(bytes)} more memory than it uses (${ratio} times as much).`,
    causes: ['Many keys were deleted or changed their size.'],
    suggestions: [
      {
        playbook: 'redis.relieve',
        parameters: { action: 'memory_purge', ...portIfOther(port) },
        why: 'It gives free pages back to the system.',
      },
    ],
  });
}

function lookAtPersistence(report: Report, info: RedisInfo): void {
  if (!info.isPersistenceOk) {
    const names = ['rdb_last_bgsave_status', 'aof_last_write_status', 'aof_last_bgrewrite_status'];
    report.add({
      kind: 'redis.persistence_failed',
      severity: 'critical',
      title: 'Redis cannot save its data to disk, and by default refuses writes until it can.',
      evidence: [['INFO persistence', names.map((name) => `${name}:${info.text(name)}`).join('\n')]],
      causes: ['The disk is full or read-only: see the diagnostic disk.', 'Its folder belongs to another user.'],
    });
  }
  if (info.number('loading') === 1)
    report.add({
      kind: 'redis.loading',
      severity: 'warning',
      title: 'Redis is still loading its data and refuses commands.',
    });
  if (info.text('master_link_status') === 'down')
    report.add({
      kind: 'redis.replication_down',
      severity: 'critical',
      title: `This replica has lost its primary ${info.text('master_host')}:${info.text('master_port')}.`,
    });
}

function lookAtClients(report: Report, info: RedisInfo): void {
  const [clients, most, rejected] = ['connected_clients', 'maxclients', 'rejected_connections'].map((name) =>
    info.number(name),
  ) as [number, number, number];
  const full = most > 0 && clients / most >= CLIENTS_MANY;
  if (!full && rejected === 0) return;
  report.add({
    kind: 'redis.connections',
    severity: full ? 'critical' : 'warning',
    title: `${clients} of ${most} connections of Redis are taken; it has refused ${rejected} since its start.`,
    causes: ['An application opens connections and does not close them.'],
  });
}

async function lookAtSlowness(report: Report, context: ObserveContext, port: number): Promise<void> {
  const recent = context.clock.now() - RECENT_MS;
  const slow = parseSlowlog(await askRedisOrFail(context, port, ['SLOWLOG', 'GET', '20'])).filter(
    ({ at, ms }) => at >= recent && ms >= SLOW_MS,
  );
  const late = parseLatency(await askRedisOrFail(context, port, ['LATENCY', 'LATEST'])).filter(
    ({ at, latestMs }) => at >= recent && latestMs >= SLOW_MS,
  );
  if (slow.length + late.length === 0) return;
  const worst = Math.max(...slow.map(({ ms }) => ms), ...late.map(({ maxMs }) => maxMs));
  report.add({
    kind: 'redis.slow',
    severity: 'warning',
    title: `Redis was held up in the last hour, for ${Math.round(worst)} ms at worst: it does one thing at a time.`,
    since: Math.min(...slow.map(({ at }) => at), ...late.map(({ at }) => at)),
    evidence: [
      [
        'SLOWLOG GET',
        slow.map(({ at, ms, command }) => `${new Date(at).toISOString()} ${command} ${ms} ms`).join('\n'),
      ],
      [
        'LATENCY LATEST',
        late.map(({ event, latestMs, maxMs }) => `${event}: ${latestMs} ms, at most ${maxMs} ms`).join('\n'),
      ],
    ],
    causes: [
      'A command that looks at everything (KEYS, SMEMBERS, LRANGE, a script).',
      'The disk is slow (fork, fsync).',
    ],
  });
}

/** The usual port need not be told. */
function portIfOther(port: number): { readonly port?: number } {
  return port === 6379 ? {} : { port };
}
