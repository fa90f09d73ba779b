/**
 * What a server sends is data of a stranger. Before anything else sees it, secrets are blacked out again (the agent did it
 * once) and what could deceive a terminal or an eye is dropped. Threats T6 and T14.
 */
import {
  type ActionResult,
  type CapabilityId,
  capabilities,
  type ErrorCode,
  errorCatalogue,
  Fault,
  fault,
  type Preview,
  problemsOf,
  type ResultOf,
  redact,
  redactValue,
  stripControl,
} from '@countersign/protocol';
import type { AgentAlert, ServerFacts } from '@countersign/protocol/agent-wire/facts';
import type { WireFault } from '@countersign/protocol/agent-wire/messages';

/** The result of an observation, checked against the capability's schema. Rejects what does not fit with `capability_failed`. */
export function cleanResult<C extends CapabilityId>(capability: C, result: unknown, server: string): ResultOf<C> {
  const parsed = capabilities[capability].result.safeParse(result);
  if (!parsed.success)
    throw fault('capability_failed', {
      server,
      capability,
      reason: `its answer does not fit (${problemsOf(parsed.error).slice(0, 300)})`,
    });
  const { value, count } = redactValue(stripAll(parsed.data));
  if (count > 0 && 'redactions' in value && typeof value.redactions === 'number')
    return { ...value, redactions: value.redactions + count } as ResultOf<C>;
  return value as ResultOf<C>;
}

/**
 * A preview. Only its prose and diffs are redacted: argv and witness are part of what is approved and compared on the server,
 * so a changed letter would show something else than what runs. Whoever shows them escapes them.
 */
export function cleanPreview(preview: Preview): Preview {
  return {
    ...preview,
    steps: preview.steps.map((step) => ({
      ...step,
      diff: step.diff === null ? null : redact(stripControl(step.diff)).text,
      effects: step.effects.map((effect) => redact(stripControl(effect)).text),
      undo: step.undo === null ? null : redact(stripControl(step.undo)).text,
    })),
  };
}

export function cleanActionResult(result: ActionResult): ActionResult {
  return { ...redactValue(stripAll(result)).value, journalHead: result.journalHead };
}

const cleanChunks = new WeakSet<object>();

/** A chunk of output. One that was cleaned as it arrived, while the next was on its way, is not looked through again. */
export function cleanChunk<C extends { readonly text: string }>(chunk: C): C {
  if (cleanChunks.has(chunk)) return chunk;
  const clean = { ...chunk, text: redact(stripControl(chunk.text)).text };
  cleanChunks.add(clean);
  return clean;
}

export function cleanAlert(alert: AgentAlert): AgentAlert {
  return redactValue(stripAll(alert)).value;
}

/** Facts are names and figures: nothing to redact, but they are shown. */
export function cleanFacts(facts: ServerFacts): ServerFacts {
  return stripAll(facts);
}

/** Codes that an agent may answer with. Any other would put words about us or the caller into its mouth. */
const agentCodes = new Set<string>([
  'invalid_input',
  'server_observe_only',
  'server_policy_denies',
  'commands_disabled',
  'capability_missing',
  'agent_timeout',
  'agent_busy',
  'capability_failed',
  'path_denied',
  'file_not_found',
  'file_changed',
  'file_too_large',
  'validator_failed',
  'precondition_failed',
  'playbook_does_not_fit',
  'secret_parameter',
  'clock_skew',
  'grant_invalid',
  'grant_expired',
  'grant_replayed',
  'approvals_insufficient',
  'state_drifted',
  'target_busy',
  'journal_unwritable',
  'witness_unwritable',
  'too_large',
  'cannot_arm',
  'secret_unknown',
  'signature_needed',
  'signature_invalid',
  'lock_missing',
  'lock_change_invalid',
  'checkpoint_contradicts',
  'nothing_to_confirm',
] satisfies ErrorCode[]);

/** The fault that an agent reports: of a code that it may use, with clean slots, about the server that it is. */
export function cleanFault(reported: WireFault, server: string): Fault {
  const slots: Record<string, string | number> = { ...redactValue(stripAll(reported.slots)).value, server };
  if (agentCodes.has(reported.code) && Object.hasOwn(errorCatalogue, reported.code))
    return new Fault(reported.code as ErrorCode, slots);
  const reason = typeof slots.reason === 'string' ? slots.reason : reported.code.slice(0, 60);
  return fault('capability_failed', { capability: 'the agent', ...slots, reason: stripControl(reason) });
}

function stripAll<T>(value: T): T {
  if (typeof value === 'string') return stripControl(value) as T;
  if (Array.isArray(value)) return value.map(stripAll) as T;
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, stripAll(member)])) as T;
  return value;
}
