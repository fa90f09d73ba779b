/**
 * Redis by way of redis-cli on the loopback address. A password comes from the owner's own configuration file and goes into
 * the environment, where other users cannot see it. Sources: redis-cli(1), redis.conf.
 */
import { fault } from '@countersign/protocol';
import { howItEnded, saidBy } from '../../host/execution.ts';
import { readTextOrNull } from '../../host/look.ts';
import type { ObserveContext } from '../capability.ts';

/** Why Redis does not answer. */
export interface RedisSilence {
  readonly state: 'not_installed' | 'down' | 'refused';
  readonly reason: string;
}
export type RedisAnswer = { readonly state: 'answered'; readonly text: string } | RedisSilence;

/** Where distributions keep the configuration. */
const CONFIG_FILES = ['/etc/redis/redis.conf', '/etc/redis.conf', '/etc/valkey/valkey.conf', '/etc/redis/default.conf'];
const ASK_MS = 5000;

/** Exactly what is started. The address is the loopback one: nobody else's Redis is asked. */
export function redisArgv(port: number, words: readonly string[]): string[] {
  return ['redis-cli', '-h', '127.0.0.1', '-p', String(port), '--no-raw', ...words];
}

/** Asks one command. The password is only given when Redis asks for one. */
export async function askRedis(context: ObserveContext, port: number, words: readonly string[]): Promise<RedisAnswer> {
  const first = await run(context, port, words, {});
  if (first.state !== 'refused' || !first.reason.includes('password')) return first;
  const env = redisEnvironment(context, port);
  return Object.keys(env).length === 0 ? first : run(context, port, words, env);
}

/** As {@link askRedis}; what does not answer rejects with `capability_failed`. */
export async function askRedisOrFail(context: ObserveContext, port: number, words: readonly string[]): Promise<string> {
  const answer = await askRedis(context, port, words);
  if (answer.state === 'answered') return answer.text;
  throw fault('capability_failed', { capability: 'redis-cli', reason: answer.reason });
}

/** What a process that speaks with this Redis needs in its environment. The password is blacked out from here on. */
export function redisEnvironment(context: ObserveContext, port: number): Readonly<Record<string, string>> {
  const texts = CONFIG_FILES.map(readTextOrNull).filter((text) => text !== null);
  const settings = texts.map(parseRedisConfig).find((found) => Number(found.get('port') ?? 6379) === port);
  const password = settings?.get('requirepass');
  if (password === undefined || password === '') return {};
  context.blackOut?.(password);
  return { REDISCLI_AUTH: password };
}

/** Directive → its argument; the last one counts, as in Redis. Quotes are taken off. */
export function parseRedisConfig(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  for (const line of text.split('\n')) {
    const parsed = /^\s*([A-Za-z-]+)\s+(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\')*)'|(\S+))\s*$/.exec(line);
    if (parsed === null) continue;
    const [, name = '', double, single, plain] = parsed;
    const value = double?.replace(/\\(.)/g, '$1') ?? single?.replaceAll("\\'", "'") ?? plain ?? '';
    settings.set(name.toLowerCase(), value);
  }
  return settings;
}

async function run(
  context: ObserveContext,
  port: number,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RedisAnswer> {
  const done = await context.exec({
    argv: redisArgv(port, words),
    env,
    timeoutMs: ASK_MS,
    hostNetwork: true,
    signal: context.signal,
  });
  if (done.notStarted === 'ENOENT' || (done.exitCode === 127 && /failed to execute/.test(done.stderr)))
    return { state: 'not_installed', reason: 'redis-cli is not installed' };
  const said = `${done.stdout}${done.stderr}`;
  if (/^Could not connect/m.test(said)) return { state: 'down', reason: 'nobody listens there' };
  // INFO counts errors by their names, so only a line that begins with one is a refusal.
  if (/^(?:\(error\) )?(?:NOAUTH|WRONGPASS)\b|^AUTH failed/m.test(said))
    return { state: 'refused', reason: 'it asks for a password that its configuration file does not tell' };
  const complaint = complaintIn(done.stdout);
  if (complaint !== null) return { state: 'refused', reason: complaint };
  if (done.exitCode !== 0) return { state: 'refused', reason: `redis-cli ${howItEnded(done)}` };
  return { state: 'answered', text: saidBy({ ...done, stderr: '' }) };
}

/** Errors of Redis begin with a word in capitals; only that word is passed on. */
export function complaintIn(text: string): string | null {
  const word = /^\(error\) ([A-Z]+)\b/m.exec(text)?.[1];
  return word === undefined ? null : `it refuses the command (${word})`;
}
