/** The file of cases beside a playbook: `restart_worker.test.yaml` for `restart_worker.yaml`. What `countersign playbook test` reads. */
import { capabilityIdSchema, riskSchema } from '@countersign/protocol';
import { z } from 'zod';
import { parseYaml } from './parse-yaml.ts';

const ids = z.array(capabilityIdSchema).max(40);

export const casesFileSchema = z.strictObject({
  cases: z
    .array(
      z.strictObject({
        when: z.string().min(1).max(200).describe('what is special about it, in words'),
        parameters: z.record(z.string(), z.json()).default({}),
        title: z.string().max(300).optional().describe('what it says it does, without the server'),
        risk: riskSchema.optional(),
        steps: ids.optional().describe('capabilities of its steps, in order'),
        undo: ids.optional().describe('capabilities of its own undo steps, in order'),
        diagnostics: ids.optional().describe('what it reads, for a playbook that only reads'),
        refused: z.string().min(1).max(300).optional().describe('a part of the words with which it is refused'),
      }),
    )
    .min(1)
    .max(100),
});
export type Case = z.output<typeof casesFileSchema>['cases'][number];

/** Parses the cases. Problems name line and column. */
export function parseCases(text: string, { file }: { readonly file: string }) {
  return parseYaml(text, { file, schema: casesFileSchema, what: 'a file of cases', judge: () => [] });
}
