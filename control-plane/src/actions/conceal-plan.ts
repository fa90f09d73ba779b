/**
 * An action as tokens see it that did not ask for it. What is to be written somewhere may be private to who asked, so it stays
 * with them and with people; everybody else sees its size and digest. Pure.
 */
import type { Json, Plan } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { Caller } from '../ports.ts';

/** Parameters that hold what is written: of `file.write`, and the new value of a key. */
const written: ReadonlySet<string> = new Set(['content', 'value']);

/** The detail itself for people and for the token that asked. */
export function asSeenBy<D extends ActionDetail>({ token }: Pick<Caller, 'token'>, detail: D): D {
  if (token === null || detail.requested_by.token?.id === token.id) return detail;
  return { ...detail, plan: concealed(detail.plan) };
}

function concealed(plan: Plan): Plan {
  const hidden = <S extends { readonly parameters: Plan['parameters'] }>(part: S): S => ({
    ...part,
    parameters: withoutWritten(part.parameters),
  });
  return {
    ...hidden(plan),
    steps: plan.steps.map(hidden),
    undo: plan.undo.map(hidden),
    preview: {
      ...plan.preview,
      steps: plan.preview.steps.map((step) => ({ ...step, diff: step.diff === null ? null : sizeOf(step.diff) })),
    },
  };
}

function withoutWritten(parameters: Plan['parameters']): Plan['parameters'] {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, written.has(name) ? sizeOf(value) : value]),
  );
}

function sizeOf(value: Json): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `[${Buffer.byteLength(text)} bytes, SHA-256 ${sha256(text)}: shown to people and to the token that asked]`;
}
