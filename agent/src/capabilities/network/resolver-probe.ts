import { fault, type ResultOf } from '@countersign/protocol';
import { readTextOrNull } from '../../host/look.ts';
import type { ObserveContext } from '../capability.ts';
import { probeNames } from './local-probe.ts';
import { parseResolvConf } from './resolver.ts';

/** What programs on this server get when they look up a name. */
export async function probeResolver(context: ObserveContext, name: string): Promise<ResultOf<'resolver.probe'>> {
  const [server] = parseResolvConf(readTextOrNull('/etc/resolv.conf') ?? '');
  if (server === undefined) throw fault('precondition_failed', { reason: '/etc/resolv.conf names no name server' });
  const [answer] = await probeNames(context, [server], [name]);
  const ok = answer?.rcode === 0 && answer.addresses.length > 0;
  const error = ok ? null : (answer?.error ?? `error ${answer?.rcode} and no address`);
  return { ok, addresses: answer?.addresses.length ?? 0, ms: answer?.ms ?? 0, error };
}
