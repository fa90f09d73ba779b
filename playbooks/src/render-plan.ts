import {
  type CapabilityId,
  capability,
  confirmFor,
  type DiagnosticId,
  durationMs,
  expectationSchema,
  fault,
  fillSecrets,
  misplacedSecret,
  type PlanDraft,
  type PlanProbe,
  type PlanStep,
  planDraftSchema,
  problemsOf,
  redact,
} from '@countersign/protocol';
import { parseValues } from '@countersign/protocol/parameter-types';
import type { z } from 'zod';
import { describe } from './describe.ts';
import { applies, fillIn, type Values } from './fill-in.ts';
import type { ProbeTemplate, StepTemplate } from './format.ts';
import type { Playbook } from './playbook.ts';

/**
 * The values of a playbook's parameters: checked by type, completed (`nginx` → `nginx.service`), with defaults. A parameter that
 * is `null` counts as not given. Throws `invalid_input` naming every field that does not fit, `secret_parameter` for a value that
 * looks like a secret.
 */
export function parseParameters(playbook: Playbook, given: Readonly<Record<string, unknown>>): Values {
  const { values, problems } = parseValues(playbook.parameters, given, playbook.id);
  if (problems.length > 0) throw fault('invalid_input', { problems: problems.join('; ') });
  for (const [name, value] of Object.entries(values))
    if (typeof value === 'string' && redact(value).count > 0) throw fault('secret_parameter', { parameter: name });
  return values;
}

/**
 * A playbook that changes something, with every value filled in, for one server. Throws `invalid_input` naming the field,
 * `secret_parameter`, and `invalid_input` for a playbook that only reads (see {@link renderDiagnostics}).
 */
export function renderPlan(
  playbook: Playbook,
  request: {
    readonly server: { readonly id: string; readonly name: string };
    readonly parameters: Readonly<Record<string, unknown>>;
  },
): PlanDraft {
  if (playbook.steps === undefined || playbook.check === undefined)
    throw fault('invalid_input', { problems: `playbook: ${playbook.id} only reads, there is no plan to approve` });
  const values = parseParameters(playbook, request.parameters);
  const [steps, undo] = [renderSteps(playbook.steps, values), renderSteps(playbook.undo, values)];
  const draft = {
    format: 'countersign-plan/2',
    server: { id: request.server.id, name: request.server.name },
    source: { kind: 'playbook', id: playbook.id, version: playbook.version, sha256: playbook.sha256 },
    title: `${describe(playbook, values)} on ${request.server.name}`,
    risk: playbook.risk,
    reversible: playbook.reversible,
    parameters: values,
    preconditions: renderProbes(playbook.preconditions, values),
    steps,
    check: {
      probes: renderProbes(playbook.check.probes, values),
      settle_ms: milliseconds(playbook.check.settle, values),
      stable_ms: milliseconds(playbook.check.stable, values),
    },
    undo,
    confirm: confirmFor({ steps, undo }),
  };
  const parsed = planDraftSchema.safeParse(draft);
  if (!parsed.success) throw fault('invalid_input', { problems: problemsOf(parsed.error) });
  return parsed.data;
}

/** What a playbook that only reads runs: diagnostics with parsed parameters. Empty for one that changes something. */
export function renderDiagnostics(
  playbook: Playbook,
  given: Readonly<Record<string, unknown>>,
): { readonly diagnostic: DiagnosticId; readonly parameters: PlanStep['parameters'] }[] {
  const values = parseParameters(playbook, given);
  return (playbook.diagnostics ?? [])
    .filter((reading) => applies(reading, values))
    .map((reading) => ({
      diagnostic: reading.diagnostic,
      parameters: capabilityParameters(reading.diagnostic, reading.parameters, values),
    }));
}

function renderSteps(templates: readonly StepTemplate[], values: Values): PlanStep[] {
  return templates
    .filter((template) => applies(template, values))
    .map((template) => {
      const parameters = capabilityParameters(template.capability, template.parameters, values);
      const misplaced = misplacedSecret({ capability: template.capability, parameters });
      if (misplaced !== null) throw fault('secret_parameter', { parameter: misplaced });
      if (template.capability === 'config.set_key') refuseSecretSetting(parameters);
      return {
        id: template.id,
        capability: template.capability,
        parameters,
        timeout_ms: template.timeout ? durationMs(template.timeout) : capability(template.capability).timeoutMs,
      };
    });
}

function renderProbes(templates: readonly ProbeTemplate[], values: Values): PlanProbe[] {
  return templates
    .filter((template) => applies(template, values))
    .map((template) => {
      const expect = expectationSchema.safeParse(fillIn(template.expect, values));
      if (!expect.success) throw fault('invalid_input', { problems: `expect: ${problemsOf(expect.error)}` });
      return {
        capability: template.capability,
        parameters: capabilityParameters(template.capability, template.parameters, values),
        expect: expect.data,
      };
    });
}

function capabilityParameters(
  id: CapabilityId,
  template: Record<string, unknown>,
  values: Values,
): PlanStep['parameters'] {
  const schema: z.ZodType = capability(id).parameters;
  const parsed = schema.safeParse(fillIn(template, values));
  if (!parsed.success) throw fault('invalid_input', { problems: `${id}: ${problemsOf(parsed.error)}` });
  return parsed.data as PlanStep['parameters'];
}

function milliseconds(duration: string, values: Values): number {
  const text = String(fillIn(duration, values));
  return text === '0s' ? 0 : durationMs(text);
}

/** Values that tell nothing, even where the name of the key sounds secret: `token_ttl = 300`. */
const TELLS_NOTHING = /^(?:[\d.]{1,8}[a-z%]{0,2}|true|false|on|off|yes|no|\/.*)?$/i;

function refuseSecretSetting(parameters: PlanStep['parameters']): void {
  const { key, value } = parameters;
  if (typeof key !== 'string' || typeof value !== 'string') return;
  // What remains beside references.
  if (TELLS_NOTHING.test(fillSecrets(value, () => ''))) return;
  if (redact(`${key}=${value}`).count > 0) throw fault('secret_parameter', { parameter: 'value' });
}
