/**
 * What one connected server would say to a preview, as far as that is known without asking it. Only commands: their previews rest on
 * what was asked and on the server's own policy. It is a guess all the same: the runner previews again before it starts, and refuses
 * what differs from what is on record.
 */
import { canonicalJson, type PlanDraft, type Preview, redactValue, secretsOf } from '@countersign/protocol';
import type { FromAgent } from '@countersign/protocol/agent-wire/messages';
import { commandPreview } from '@countersign/protocol/command-preview';
import { cleanPreview } from './clean-arrival.ts';

const KEPT = 32;
const KEPT_CHARACTERS = 8 * 1024;
/** A runner that took a grant answers within milliseconds. One that keeps silent for so long is asked: it may be gone. */
const ANSWERS_WITHIN_MS = 2000;

export class Foresight {
  /** Whether the server words a plain command as we do: seen on this connection, so that agents of other versions are asked. */
  #wordsAsWe = false;
  /** What it said of other commands, by their steps; the oldest first. */
  readonly #said = new Map<string, Preview>();
  /** Grants that it has not answered yet, and when they left. */
  readonly #unanswered = new Map<string, number>();

  /** The server previewed a plan. */
  learn(draft: PlanDraft, preview: Preview): void {
    if (!isKnowable(draft)) return;
    const ours = ownWords(draft);
    if (ours !== null) {
      this.#wordsAsWe = canonicalJson(ours) === canonicalJson(preview);
      return;
    }
    const steps = canonicalJson(draft.steps);
    if (steps.length + JSON.stringify(preview).length > KEPT_CHARACTERS) return;
    const [oldest] = this.#said.keys();
    if (this.#said.size >= KEPT && oldest !== undefined) this.#said.delete(oldest);
    this.#said.set(steps, preview);
  }

  /** What the server would say; null where it has to be asked. `now` is on the monotonic clock. */
  foretell(draft: PlanDraft, now: number): Preview | null {
    if (!isKnowable(draft)) return null;
    const [oldest] = this.#unanswered.values();
    if (oldest !== undefined && now - oldest > ANSWERS_WITHIN_MS) return null;
    const ours = ownWords(draft);
    if (ours !== null) return this.#wordsAsWe ? ours : null;
    return this.#said.get(canonicalJson(draft.steps)) ?? null;
  }

  /** A grant left for the server. */
  sent(actionId: string, now: number): void {
    if (!this.#unanswered.has(actionId)) this.#unanswered.set(actionId, now);
  }

  /** Something came from the server: another policy, or a refusal, and it is asked again of everything. */
  heard(message: FromAgent): void {
    if ('actionId' in message) this.#unanswered.delete(message.actionId);
    if (message.type !== 'policy' && message.type !== 'refused') return;
    this.#wordsAsWe = false;
    this.#said.clear();
  }
}

/** Commands without secrets: whether those can be had, only the server can say. */
function isKnowable({ steps }: PlanDraft): boolean {
  return steps.every(({ capability }) => /^(command|local)\./.test(capability)) && secretsOf(steps).length === 0;
}

/** The preview of commands that run in no folder of their own, which would have to be there; null for others. */
function ownWords({ steps }: PlanDraft): Preview | null {
  if (steps.some(({ capability, parameters }) => capability !== 'command.run' || parameters.cwd !== undefined))
    return null;
  const said = steps.map(({ id, parameters }) => ({
    step: id,
    ...commandPreview(parameters as Parameters<typeof commandPreview>[0]),
  }));
  const shown = said.map((step) => ({ ...step, effects: redactValue(step.effects).value }));
  return cleanPreview({ steps: shown, witness: [], predictable: false });
}
