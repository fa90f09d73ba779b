/** What a tool answers: a structure, and the same as text for clients that read only that; errors from the catalogue. */
import { errorCatalogue, Fault, fault } from '@countersign/protocol';
import { RemoteFault } from '@countersign/protocol/operator-api/client';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { bytesOf, fit } from './fit.ts';
import { clean, oneLine } from './untrusted.ts';

/** The most that a whole result may take as JSON, structure and text together. Source: design.md, section 9. */
export const RESULT_BYTES_MAX = 32 * 1024 - 512;

/** The result for a structure. What does not fit is cut, and `hint` says how to ask for less. */
export function success(structure: object, narrow: string): CallToolResult {
  let text = '';
  const fits = (it: object) => {
    text = JSON.stringify(it);
    return textFits(text);
  };
  const said = fit(structure, fits, narrow);
  return inBothForms(said, text); // what was measured last is what came back
}

/** Whether a structure, as it stands, makes a result within the limit. */
export function resultFits(structure: object): boolean {
  return textFits(JSON.stringify(structure));
}

function textFits(text: string): boolean {
  const most = RESULT_BYTES_MAX - AROUND_BYTES;
  // No unit of it takes more than three bytes, as it is and quoted: most results are far from the limit.
  if (6 * text.length <= most) return true;
  return Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(text)) <= most;
}

/** What a result takes besides the structure and the same as text. */
const AROUND_BYTES = bytesOf(inBothForms({}, '{}')) - bytesOf({}) - bytesOf('{}');

/** `text` is the structure as JSON. */
function inBothForms(structure: object, text: string): CallToolResult {
  return {
    content: [{ type: 'text', text }],
    structuredContent: structure as Record<string, unknown>,
  };
}

/** An error in the form of the catalogue. `untrusted_output`: what the server gave as reason. */
interface Told {
  readonly code: string;
  readonly message: string;
  readonly next_step: string;
  readonly retryable: boolean;
  readonly untrusted_output?: string;
}

/**
 * The result for something thrown. Everything is said twice: Claude Code reads the text of an error alone, Codex the
 * structure alone. `report` takes what is not from the catalogue and returns the reference that the log has it under.
 */
export function failure(thrown: unknown, report: (error: unknown) => string): CallToolResult {
  const error = tell(thrown instanceof Fault ? thrown : fault('internal', { reference: report(thrown) }, thrown));
  const lines = [
    `Error ${error.code}: ${error.message}`,
    `Next step: ${error.next_step}`,
    `Retryable: ${error.retryable ? 'yes' : 'no'}`,
    ...(error.untrusted_output === undefined ? [] : [`untrusted_output: ${JSON.stringify(error.untrusted_output)}`]),
  ];
  return { content: [{ type: 'text', text: lines.join('\n') }], structuredContent: { error }, isError: true };
}

const SEE = 'see untrusted_output';

/**
 * The reason of a fault can hold words of the server. A sentence of ours must not carry them to a model, so they go into a
 * field of their own.
 */
function tell(error: Fault): Told {
  const { body } = error;
  const sentence = errorCatalogue[error.code].sentence;
  if (!fromServer(error)) return { ...body, message: oneLine(body.message, 1000) };
  if (error instanceof RemoteFault)
    return { ...body, message: withoutSlots(sentence), untrusted_output: oneLine(body.message, 1000) };
  const reason = clean(String(error.slots.reason ?? ''));
  const ours = new Fault(error.code, { ...error.slots, reason: SEE });
  return { ...ours.body, untrusted_output: reason.slice(0, 2000) };
}

function fromServer({ code }: Fault): boolean {
  return (serverWorded as readonly string[]).includes(code);
}

/** Faults whose `reason` is worded on the server. */
const serverWorded = [
  'capability_failed',
  'validator_failed',
  'server_policy_denies',
  'path_denied',
  'precondition_failed',
  'state_drifted',
  'journal_unwritable',
  'grant_invalid',
  'approvals_insufficient',
] as const;

/** The sentence of a fault whose slots are not known here, since it came over HTTP. */
function withoutSlots(sentence: string): string {
  return sentence.replace(/\{reason\}/g, SEE).replace(/ ?\{\w+\}/g, '');
}
