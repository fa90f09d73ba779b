/** Relief for a Redis that is short of memory. Source: the commands MEMORY PURGE and CONFIG SET in the manual of Redis. */
import { capability, fault, type Json, type ParametersOf, type StepResult, sizeBytes } from '@countersign/protocol';
import { z } from 'zod';
import { type Executed, howItEnded } from '../../host/execution.ts';
import { readMemory } from '../../host/system.ts';
import type { ChangeContext, ChangePreview, Changer, ObserveContext, Observer } from '../capability.ts';
import { exitCodeOf } from '../exit-code.ts';
import { sayBytes } from '../report.ts';
import { askRedis, askRedisOrFail, complaintIn, redisArgv, redisEnvironment } from './redis-cli.ts';
import { RedisInfo } from './redis-reading.ts';

type Parameters = ParametersOf<'redis.relieve'>;

const RAM_MOST = 0.75;
const MEGABYTE = 1024 ** 2;
const memorySchema = z.object({ run_id: z.string(), maxmemory: z.int() });

/** A quarter more than the limit, within the bound, in whole megabytes; `null` when there is no room for that. */
export function raisedLimit(limit: number, ram: number): string | null {
  const raised = Math.ceil((limit * 1.25) / MEGABYTE);
  return limit > 0 && raised * MEGABYTE <= ram * RAM_MOST ? `${raised}M` : null;
}

export const redisState: Observer<'redis.state'> = async ({ port }, context) => {
  const answer = await askRedis(context, port, ['INFO', 'everything']);
  if (answer.state !== 'answered')
    return { reachable: false, run_id: '', memory_percent: 0, evicted_keys: 0, persistence_ok: false };
  const info = new RedisInfo(answer.text);
  return {
    reachable: true,
    run_id: info.text('run_id'),
    memory_percent: info.memoryPercent,
    evicted_keys: info.number('evicted_keys'),
    persistence_ok: info.isPersistenceOk,
  };
};

export const redisRelieve: Changer<'redis.relieve'> = {
  predictable: true,
  undoAgain: true,
  async preview(parameters, context) {
    const info = await infoOf(context, parameters.port);
    if (!info.isPersistenceOk)
      throw fault('precondition_failed', { reason: 'Redis cannot save its data now; that comes first' });
    const limit = requireBounds(parameters, info);
    return previewOf(parameters, info, limit);
  },
  async remember({ port }, context) {
    const info = await infoOf(context, port);
    return { run_id: info.text('run_id'), maxmemory: info.number('maxmemory') } satisfies Json;
  },
  async perform(parameters, _, context) {
    const limit = requireBounds(parameters, await infoOf(context, parameters.port));
    return run(context, parameters.port, wordsOf(limit));
  },
  async undo({ port, action, maxmemory }, memory, context) {
    const before = memorySchema.parse(memory);
    if (action === 'memory_purge')
      return { changed: false, exit_code: 0, summary: 'Only free pages were given back: nothing to take back.' };
    const info = await infoOf(context, port);
    if (info.text('run_id') !== before.run_id)
      return { changed: false, exit_code: 0, summary: 'Redis has started anew since, with the limit of its file.' };
    const obstacle = whyLimitStays(info, before.maxmemory, maxmemory);
    if (obstacle !== null) return { changed: false, exit_code: 1, summary: obstacle };
    return run(context, port, wordsOf(before.maxmemory));
  },
  async recover(_, __, context) {
    const done = await context.processes.ended(1, context.onOutput);
    if (done === null) return null;
    const result = resultOf(done);
    return { ...result, summary: `Found after a restart of the runner: ${result.summary}` };
  },
};

/** Why the former limit must not be set again; `null` when it may. Taking back must neither cost keys nor overrun somebody. */
function whyLimitStays(info: RedisInfo, former: number, set: string | undefined): string | null {
  const [now, used, policy] = [info.number('maxmemory'), info.number('used_memory'), info.text('maxmemory_policy')];
  if (now !== former && set !== undefined && now !== sizeBytes(set))
    return `Somebody else has set the limit to ${sayBytes(now)} meanwhile; it stays.`;
  if (former === 0 || used <= former || policy === 'noeviction') return null;
  return `Redis uses ${sayBytes(used)} by now and would throw keys away below ${sayBytes(former)}; its limit stays.`;
}

async function infoOf(context: ObserveContext, port: number): Promise<RedisInfo> {
  return new RedisInfo(await askRedisOrFail(context, port, ['INFO', 'everything']));
}

/** The new limit in bytes; `null` for a purge. */
function requireBounds({ action, maxmemory }: Parameters, info: RedisInfo): number | null {
  if (action === 'memory_purge') return null;
  if (maxmemory === undefined)
    throw fault('precondition_failed', { reason: 'action maxmemory needs the new limit as maxmemory' });
  const [limit, ram, now] = [sizeBytes(maxmemory), readMemory().totalBytes, info.number('maxmemory')];
  if (limit > ram * RAM_MOST)
    throw fault('precondition_failed', { reason: `${maxmemory} is more than 75 % of the ${sayBytes(ram)} of memory` });
  if (limit < info.number('used_memory'))
    throw fault('precondition_failed', {
      reason: `${maxmemory} is less than what Redis uses, so keys would be thrown away`,
    });
  if (now !== 0 && limit < now)
    throw fault('precondition_failed', { reason: `the limit is ${sayBytes(now)} now, and it may only be raised` });
  return limit;
}

function wordsOf(limit: number | null): string[] {
  return limit === null ? ['MEMORY', 'PURGE'] : ['CONFIG', 'SET', 'maxmemory', String(limit)];
}

function previewOf({ port }: Parameters, info: RedisInfo, limit: number | null): ChangePreview {
  const used = sayBytes(info.number('used_memory'));
  const now = info.number('maxmemory');
  const effects =
    limit === null
      ? [`Redis uses ${used} and gives free pages of ${sayBytes(info.number('used_memory_rss'))} back to the system.`]
      : [
          `Redis uses ${used}; its limit goes from ${now === 0 ? 'none' : sayBytes(now)} to ${sayBytes(limit)}.`,
          'That holds until Redis starts anew: then the limit of its configuration file is in force again.',
        ];
  const subject = `redis ${port}`;
  return {
    preview: {
      argv: [redisArgv(port, wordsOf(limit))],
      diff: null,
      effects,
      undo:
        limit === null
          ? 'There is nothing to take back.'
          : 'The former limit is set again, unless Redis would throw keys away by that.',
    },
    witness: [
      { subject, property: 'run_id', value: info.text('run_id') },
      { subject, property: 'maxmemory', value: now },
    ],
  };
}

async function run(context: ChangeContext, port: number, words: readonly string[]): Promise<StepResult> {
  const done = await context.processes.start({
    argv: redisArgv(port, words),
    env: redisEnvironment(context, port),
    timeoutMs: capability('redis.relieve').timeoutMs,
    signal: context.signal,
    onOutput: context.onOutput,
  });
  return resultOf(done);
}

/** redis-cli ends with 0 when Redis refuses, so its words count. */
function resultOf(done: Executed): StepResult {
  if (done.exitCode !== 0)
    return { changed: false, exit_code: exitCodeOf(done), summary: `redis-cli ${howItEnded(done)}.` };
  const complaint = complaintIn(done.stdout);
  if (complaint !== null || !/^OK$/m.test(done.stdout))
    return { changed: false, exit_code: 1, summary: `Redis did not do it: ${complaint ?? 'it did not say OK'}.` };
  return { changed: true, exit_code: 0, summary: 'Redis has done it.' };
}
