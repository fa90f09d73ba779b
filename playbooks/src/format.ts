/**
 * The form of a playbook file. Values may name parameters as `{{name}}`; there is nothing else to compute in a playbook: no
 * expressions, no loops, no shell. Steps are capabilities, whose argv is built on the server.
 */
import {
  changeIdSchema,
  conditionSchema,
  diagnosticIdSchema,
  discoveredKindSchema,
  durationSchema,
  observationIdSchema,
  riskSchema,
  softwareSchema,
} from '@countersign/protocol';
import { parameterNameSchema, REFERENCE, WHOLE_REFERENCE } from '@countersign/protocol/parameter-types';
import { z } from 'zod';
import { parameterSchema } from './parameter-types.ts';

export { REFERENCE, WHOLE_REFERENCE };

const parameterName = parameterNameSchema;
const reference = z.string().regex(WHOLE_REFERENCE, 'a reference such as {{name}}');
/** Leaves a part out where the named parameter was not given. */
const when = parameterName.optional().describe('only when this parameter is given');
const parameters = z.record(z.string(), z.json()).default({});
const duration = z.union([z.literal('0s'), durationSchema, reference]);

/** A condition as in a plan, whose value may be a reference. */
const expectation = z
  .record(
    z.string(),
    z.union([conditionSchema, z.strictObject({ at_least: reference }), z.strictObject({ at_most: reference })]),
  )
  .refine((expected) => Object.keys(expected).length > 0, 'at least one field');

const probeSchema = z.strictObject({ capability: observationIdSchema, parameters, expect: expectation, when });
const stepSchema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, 'an id such as reload'),
  capability: changeIdSchema,
  parameters,
  timeout: durationSchema.optional().describe('the time limit of the capability unless told'),
  when,
});
const readingSchema = z.strictObject({ diagnostic: diagnosticIdSchema, parameters, when });

export const playbookFileSchema = z.strictObject({
  id: z
    .string()
    .max(100)
    .regex(/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/, 'an id such as service.restart')
    .refine((id) => !/^local(\.|$)/.test(id), 'another name: local. stands before the commands of owners of servers'),
  version: z.int().min(1),
  title: z.string().min(1).max(200).describe('what it does, as a command: Restart {{unit}}'),
  summary: z.string().min(1).max(500).describe('when to use it, one or two sentences'),
  needs: z
    .array(z.union([softwareSchema, discoveredKindSchema]))
    .max(10)
    .default([])
    .describe('what the server must have, software or a kind of what discovery finds: [docker, container]'),
  risk: riskSchema.optional().describe('at least the highest risk of its steps, which it is unless told'),
  parameters: z.record(parameterName, parameterSchema).default({}),
  preconditions: z.array(probeSchema).max(20).default([]),
  steps: z.array(stepSchema).min(1).max(20).optional(),
  check: z
    .strictObject({
      settle: duration.default('1s').describe('wait before the first reading'),
      stable: duration.default('10s').describe('wait before the second reading; 0s for none'),
      probes: z.array(probeSchema).min(1).max(20),
    })
    .optional(),
  undo: z.array(stepSchema).max(20).default([]).describe("the steps' own undo, in reverse, unless told"),
  diagnostics: z.array(readingSchema).min(1).max(20).optional().describe('instead of steps: what it reads'),
});
export type PlaybookFile = z.output<typeof playbookFileSchema>;
export type ProbeTemplate = z.output<typeof probeSchema>;
export type StepTemplate = z.output<typeof stepSchema>;
export type ReadingTemplate = z.output<typeof readingSchema>;

/** The JSON Schema of a playbook file (draft 2020-12), for editors. */
export function playbookJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(playbookFileSchema, { io: 'input' }) as Record<string, unknown>;
}
