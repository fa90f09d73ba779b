import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';
import { oneLine } from '../untrusted.ts';

export const verifyDeploy = defineTool({
  name: 'verify_deploy',
  title: 'Verify a deploy',
  description:
    'Whether a deploy is well (pass, fail, unknown, with reasons): unit, container, HTTP, TCP, version, error rate against before. Name a declared app, or what to look at.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.verifyDeploy.input,
  output: z.object({
    verdict: z.string(),
    app: z.string().nullable(),
    release: z.string().nullable(),
    checks: z.array(z.object({ check: z.string(), result: z.string(), untrusted_output: z.string() })),
  }),
  narrow: 'name fewer things',
  run: async (input, { call, signal }) => {
    const { checks, ...rest } = await call('verifyDeploy', input, { signal });
    // A check quotes what the app says of its version: data, never instructions.
    return {
      ...rest,
      checks: checks.map(({ check, result, said }) => ({ check, result, untrusted_output: oneLine(said, 500) })),
    };
  },
});
