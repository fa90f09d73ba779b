/** What disks say of themselves. Source: smartctl(8), JSON output. */
import { delay } from '@countersign/protocol';
import { z } from 'zod';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';

const healthSchema = z.object({ smart_status: z.object({ passed: z.boolean() }) });

const ASK_MS = 5000;
/** A program that waits for a disk that hangs cannot be ended, so nobody waits for its end. */
const WAIT_MS = 8000;

/** `null` where the disk does not tell (virtual ones, and those that hang) or smartctl is not installed. */
export async function readDiskHealth(context: ObserveContext, device: string): Promise<'well' | 'failing' | null> {
  const { clock, signal } = context;
  const argv = ['smartctl', '-H', '-j', '--', device];
  const done = await Promise.race([
    context.exec({ argv, timeoutMs: ASK_MS, signal }),
    delay(clock, WAIT_MS, signal).then(() => null),
  ]);
  const health = healthSchema.safeParse(parsedJson(done?.stdout ?? ''));
  if (!health.success) return null;
  return health.data.smart_status.passed ? 'well' : 'failing';
}
