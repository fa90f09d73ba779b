/** What a button carries: what it does, with which action, and the beginning of the digest that was shown. At most 64 bytes. */
import type { ActionView } from '@countersign/protocol/operator-api/index';

/** The ones that end in `_sure` are second taps; `back` takes a first one back. */
export const verbs = [
  'approve',
  'approve_sure',
  'reject',
  'confirm',
  'confirm_sure',
  'stop',
  'stop_sure',
  'back',
] as const;
export type Verb = (typeof verbs)[number];

export interface Tapped {
  readonly verb: Verb;
  readonly actionId: string;
  /** First eight hex digits of the digest that the card showed. */
  readonly fingerprint: string;
}

const FORM = new RegExp(`^v1:(${verbs.join('|')}):([0-9a-z]{12}):([0-9a-f]{8})$`);

/** The data of a button: `v1:<verb>:<12 characters of the action's id>:<8 hex digits of its digest>`. */
export function callbackData(verb: Verb, { id, digest }: Pick<ActionView, 'id' | 'digest'>): string {
  return `v1:${verb}:${id.replace(/^act_/, '')}:${digest.slice(0, 8)}`;
}

/** Reads the data of a button; null when none of our cards has made it. */
export function readCallbackData(data: string): Tapped | null {
  const [, verb, reference, fingerprint] = FORM.exec(data) ?? [];
  if (verb === undefined || reference === undefined || fingerprint === undefined) return null;
  return { verb: verb as Verb, actionId: `act_${reference}`, fingerprint };
}
