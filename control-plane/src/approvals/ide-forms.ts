/**
 * Answers in a form of the assistant's own client. A client program can give them by itself, so they count at low risk only,
 * for people who switched that on, and are kept as channel `ide`, strength `form` (design.md, section 8).
 */
import type { FormAnswers } from '@countersign/mcp-server';
import { channelsThatDecide } from '@countersign/protocol';
import type { ActionDetail } from '@countersign/protocol/operator-api/index';
import type { Decided, Verdict } from '../actions/decide.ts';
import type { Caller } from '../ports.ts';
import { cardOf } from './card.ts';

export interface IdeFormsDeps {
  /** The one entry of verdicts: it checks everything again. */
  readonly decide: (verdict: Verdict) => Promise<Decided>;
  /** Whether the person switched answers by form on. */
  readonly formsCount: (personId: string) => Promise<boolean>;
}

/** The form answers of one caller. */
export function ideForms(deps: IdeFormsDeps, { person, ip }: Caller): FormAnswers {
  return {
    question: async (action) => (mayBeForm(action) && (await deps.formsCount(person.id)) ? question(action) : null),
    decideByForm: async (actionId, digest, verdict) => {
      const by = { person: { id: person.id, name: person.name }, channel: 'ide', strength: 'form' } as const;
      await deps.decide({ actionId, digest, verdict, ...by, sessionId: null, ip });
    },
  };
}

function mayBeForm({ risk, policy, lock }: ActionDetail): boolean {
  return risk === 'low' && channelsThatDecide(policy, lock !== null).includes('ide');
}

function question(action: ActionDetail): string {
  const card = cardOf(action);
  return [
    `${card.title}?`,
    ...card.argv.map((argv) => `$ ${argv}`),
    ...card.effects,
    `Risk ${card.risk}. Undo: ${card.undo}. Fingerprint ${card.fingerprint}.`,
  ].join('\n');
}
