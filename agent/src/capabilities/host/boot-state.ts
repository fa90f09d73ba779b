import type { ResultOf } from '@countersign/protocol';
import { readBoot } from '../../host/boot.ts';
import type { ObserveContext } from '../capability.ts';
import { failedNames } from './failed-names.ts';

/** The present boot: how long ago it was, whether it is over, what failed in it. */
export async function readBootState(context: ObserveContext): Promise<ResultOf<'host.boot'>> {
  const done = await context.exec({
    argv: ['systemctl', 'is-system-running'],
    timeoutMs: 5000,
    signal: context.signal,
  });
  return {
    age_s: Math.max(0, Math.round((context.clock.now() - readBoot(null).at) / 1000)),
    state: done.stdout.trim() || 'unknown',
    failed_units: (await failedNames(context)).length,
  };
}
