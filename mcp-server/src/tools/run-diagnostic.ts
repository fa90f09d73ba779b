import { assistantOperations } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';
import { diagnosisSchema, diagnosisView } from '../diagnosis-view.ts';
import { defineTool, reads } from '../tool.ts';

export const runDiagnostic = defineTool({
  name: 'run_diagnostic',
  title: 'Diagnose a server',
  description:
    'Find out why a server is broken: site down, 502, slow, high CPU or load, disk full, inodes, out of memory (OOM), crashed or failed service, port, logs, nginx config, certificate, DNS, container, database, cron, deploy. Give `description` in plain words, or `diagnostics` by id. Reads only; suggests playbooks.',
  scope: 'read',
  annotations: reads,
  input: assistantOperations.runDiagnostic.input,
  output: diagnosisSchema.extend({ hint: z.string().optional() }),
  narrow: 'name single diagnostics by id, with parameters such as unit, since or grep',
  run: async (input, { call, signal }) => diagnosisView(await call('runDiagnostic', input, { signal })),
});
