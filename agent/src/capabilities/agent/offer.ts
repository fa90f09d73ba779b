/** What the control plane has for servers of this kind. Read from it anew each time, by way of the installed script. */
import { agentVersionSchema, fault, sha256Schema } from '@countersign/protocol';
import { z } from 'zod';
import { howItEnded } from '../../host/execution.ts';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';
import { scriptOf } from './installed.ts';

const manifestSchema = z.object({
  packages: z
    .array(
      z.object({
        platform: z.string().max(50),
        version: agentVersionSchema,
        sha256: sha256Schema,
        bytes: z.int().positive(),
      }),
    )
    .max(20),
});

export type Offer = z.output<typeof manifestSchema>['packages'][number];

const ASK_MS = 12_000;

/** The package for this machine; `null` when the control plane has none. Rejects with `capability_failed` when it does not say. */
export async function readOffer(installed: string, context: ObserveContext): Promise<Offer | null> {
  const argv = scriptOf(installed, '--offer');
  const done = await context.exec({ argv, timeoutMs: ASK_MS, hostNetwork: true, signal: context.signal });
  const found = done.exitCode === 0 ? manifestSchema.safeParse(parsedJson(done.stdout)) : null;
  if (found?.success !== true) {
    const why = found === null ? `install.sh --offer ${howItEnded(done)}` : 'its list of packages cannot be read';
    throw fault('capability_failed', {
      capability: 'agent',
      reason: `what the control plane offers is not known: ${why}`,
    });
  }
  return found.data.packages.find(({ platform }) => platform === `linux-${process.arch}`) ?? null;
}

/** Whether a version is older than another, by its three numbers; what follows them has no order. */
export function isOlder(version: string, than: string): boolean {
  const [one, other] = [numbersOf(version), numbersOf(than)];
  const differing = one.findIndex((number, index) => number !== other[index]);
  return differing >= 0 && (one[differing] ?? 0) < (other[differing] ?? 0);
}

function numbersOf(version: string): number[] {
  const parts = version.split('-')[0]?.split('.') ?? [];
  return [0, 1, 2].map((index) => Number.parseInt(parts[index] ?? '', 10) || 0);
}
