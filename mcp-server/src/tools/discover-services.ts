import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';
import { oneLine } from '../untrusted.ts';

const thing = z.object({ kind: z.string() }).loose();

export const discoverServices = defineTool({
  name: 'discover_services',
  title: 'What runs on a server',
  description:
    'Units, containers, listeners, runtimes, virtual hosts, databases, certificates, timers and deploy roots of a server, with age and what changed since.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.discoverServices.input,
  output: z.object({
    at: z.string().nullable(),
    age_s: z.int().nullable(),
    refresh_in_s: z.int(),
    found: z.array(thing),
    blind: z.array(thing),
    truncated: z.boolean(),
    difference: z.object({ since: z.string() }).loose().nullable(),
  }),
  narrow: 'name kinds',
  run: async (input, { call, signal }) => {
    const { server: _, looked: __, found, difference, ...rest } = await call('discoverServices', input, { signal });
    return {
      ...rest,
      found: found.map(shown),
      difference: difference && {
        since: difference.since,
        appeared: difference.appeared.map(shown),
        gone: difference.gone.map(shown),
        changed: difference.changed.map((each) => ({ ...shown(each), was: oneLine(each.was, 300) })),
      },
    };
  },
});

/** Names and details are words of the server: data, never instructions. */
function shown({ kind, name, state, detail }: { kind: string; name: string; state: string | null; detail: string }) {
  const said = [name, state ?? '', detail].filter((part) => part !== '').join(' | ');
  return { kind, untrusted_output: oneLine(said, 500) };
}
