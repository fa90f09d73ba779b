/** What is known of an action, what happens next and who can act: one or two sentences. Pure; every screen shows the same. */
import type { ActionResult, ActionState } from '@countersign/protocol';

export interface StatusFacts {
  readonly state: ActionState;
  readonly server: string;
  readonly online: boolean;
  readonly needed: number;
  readonly given: number;
  readonly from: readonly string[];
  readonly channels: readonly string[];
  /** Who approved or rejected last, and by which channel; null where policy decided. */
  readonly decided: { readonly person: string; readonly channel: string } | null;
  readonly rule: string;
  /** Milliseconds since 1970. */
  readonly decideBy: number;
  readonly startBy: number | null;
  /** When the present state began. */
  readonly since: number;
  /** What was noted with the last change. */
  readonly note: string | null;
  /** Why it was refused or denied, as the error catalogue says it. */
  readonly error: string | null;
  readonly step: { readonly step: string; readonly phase: string } | null;
  readonly stopRequested: boolean;
  readonly result: Pick<ActionResult, 'summary' | 'undo'> | null;
}

const sentences: Record<ActionState, (facts: StatusFacts) => string> = {
  awaiting_approval: ({ needed, given, from, channels, decideBy }) =>
    `Waits for ${needed - given === 1 ? 'one approval' : `${needed - given} approvals`}${given > 0 ? ` more (${given} of ${needed} given)` : ''} until ${clock(decideBy)}; then it expires. ` +
    `Whoever is ${either(from)} can decide by ${either(channels)}; who asked can withdraw it.`,
  approved: (facts) =>
    `${decision(facts, 'Approved')} ${
      facts.online
        ? `It goes to ${facts.server} as soon as nothing else works on the same thing there`
        : `${facts.server} is offline: it starts when the server returns`
    }, until ${clock(facts.startBy ?? facts.decideBy)}; then it expires. Who asked can withdraw it.`,
  denied: ({ error, note }) =>
    `${error ?? note ?? 'Policy denied it.'} Nothing was done. It can be asked for anew when policy allows it.`,
  rejected: (facts) => `${decision(facts, 'Rejected')}${reason(facts.note)} Nothing was done.`,
  withdrawn: ({ note }) => `${note ?? 'Who asked took it back.'} Nothing was done.`,
  expired: ({ note }) => `${note ?? 'Its time is over.'} Nothing was done. Ask for it again if it is still needed.`,
  dispatched: ({ server, since, online, stopRequested }) =>
    `Sent to ${server} at ${clock(since)}; ${online ? 'the server has yet to confirm that it begins' : 'the server is offline, and its answer comes when it returns'}. ` +
    (stopRequested ? 'It was asked to stop.' : 'Who may approve can ask it to stop.'),
  running: ({ server, since, step, online, stopRequested }) =>
    `Runs on ${server} since ${clock(since)}${step ? `, ${phases[step.phase] ?? 'at'} ${step.step}` : ''}${online ? '' : '; the server is offline, and its result comes when it returns'}. ` +
    (stopRequested ? 'It was asked to stop.' : 'Who may approve can ask it to stop.'),
  refused: ({ server, error }) => `${error ?? `${server} refused it.`} Nothing was done on ${server}.`,
  unknown: ({ server, note, online }) =>
    `The outcome is not known. ${note ?? ''} It is never started again. ` +
    `${online ? `${server} is connected and may still report` : `When ${server} returns, its journal may tell`}; else a person who may approve looks at the server and closes it.`,
  succeeded: ({ result }) => `${result?.summary ?? 'It succeeded.'} Nothing more is needed.`,
  failed: ({ result, note }) => `${result?.summary ?? `Closed by a person: ${note ?? ''}`} ${undone(result)}`,
  stopped: ({ result }) => `${result?.summary ?? 'It was stopped.'} ${undone(result)}`,
};

const phases: Readonly<Record<string, string>> = {
  running: 'at step',
  checking: 'checking after',
  undoing: 'taking back',
};

export function statusSentence(facts: StatusFacts): string {
  return sentences[facts.state](facts).replace(/\s+/g, ' ').trim();
}

function decision({ decided, rule }: StatusFacts, word: string): string {
  return decided
    ? `${word} by ${decided.person} by ${decided.channel}.`
    : `Policy rule ${rule} allows it without asking.`;
}

/** The words after `by web: `. */
function reason(note: string | null): string {
  const [, words] = /^by \w+: (.*)$/s.exec(note ?? '') ?? [];
  return words ? ` Reason: ${words}` : '';
}

function undone(result: StatusFacts['result']): string {
  switch (result?.undo.state) {
    case 'done':
      return 'Everything it did was taken back.';
    case 'failed':
      return 'Taking it back failed: somebody has to look at the server.';
    case 'impossible':
      return 'What it did cannot be taken back: somebody has to look at the server.';
    default:
      return '';
  }
}

const clock = (ms: number) => `${new Date(ms).toISOString().slice(11, 16)} UTC`;

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
