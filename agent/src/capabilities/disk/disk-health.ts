/** What disks say of themselves. Source: smartctl(8), JSON output. */
import { z } from 'zod';
import type { ObserveContext } from '../capability.ts';
import { parsedJson } from '../parsed-json.ts';

const healthSchema = z.object({ smart_status: z.object({ passed: z.boolean() }) });

/** `null` where the disk does not tell (virtual ones) or smartctl is not installed. */
export async function readDiskHealth(context: ObserveContext, device: string): Promise<'well' | 'failing' | null> {
  const argv = ['smartctl', '-H', '-j', '--', device];
  const done = await context.exec({ argv, timeoutMs: 5000, signal: context.signal });
  const health = healthSchema.safeParse(parsedJson(done.stdout));
  if (!health.success) return null;
  return health.data.smart_status.passed ? 'well' : 'failing';
}
