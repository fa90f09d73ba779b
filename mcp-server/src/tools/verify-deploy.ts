import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { defineTool, reads } from '../tool.ts';

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
    checks: z.array(z.object({ check: z.string(), result: z.string(), said: z.string() })),
  }),
  narrow: 'name fewer things',
  run: (input, { call, signal }) => call('verifyDeploy', input, { signal }),
});
