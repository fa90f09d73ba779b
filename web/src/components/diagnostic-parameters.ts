/** The parameters of diagnostics as fields of a form, read from the table of capabilities. */
import { capability, type DiagnosticId } from '@countersign/protocol/capabilities/index';
import { toJSONSchema } from 'zod/v4/core';
import type { ParameterSpec } from './parameter-fields.tsx';

interface JsonField {
  readonly type?: string;
  readonly description?: string;
  readonly default?: string | number | boolean;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** The fields of all these diagnostics together; a name that several share is asked for once. */
export function diagnosticParameters(ids: readonly DiagnosticId[]): ParameterSpec[] {
  const specs = new Map<string, ParameterSpec>();
  for (const id of ids)
    for (const spec of parametersOf(id)) {
      const earlier = specs.get(spec.name);
      specs.set(spec.name, earlier ? { ...earlier, required: earlier.required || spec.required } : spec);
    }
  return [...specs.values()];
}

function parametersOf(id: DiagnosticId): ParameterSpec[] {
  // The form in which values are sent: before names are completed and defaults filled in.
  const schema = toJSONSchema(capability(id).parameters, { io: 'input' });
  const required = schema.required ?? [];
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const field = property as JsonField;
    const spec: ParameterSpec = {
      name,
      type: field.type === 'integer' ? 'integer' : typeHint(name),
      summary: field.description ?? '',
      required: required.includes(name),
    };
    if (field.default !== undefined) spec.default = field.default;
    if (field.type === 'integer' && field.minimum !== undefined) spec.minimum = field.minimum;
    if (field.type === 'integer' && field.maximum !== undefined) spec.maximum = field.maximum;
    return spec;
  });
}

/** What kind of text a name stands for, so that the field can show an example. */
function typeHint(name: string): string {
  if (name === 'since') return 'duration';
  if (name === 'path' || name === 'file' || name === 'mount') return 'path';
  return name === 'unit' ? 'unit' : 'text';
}
