/** What is known of an action, what happens next and who can act: one or two sentences. Pure; every screen shows the same. */
import type { ActionResult, ActionState } from '@countersign/protocol';

export interface StatusFacts {
  readonly state: ActionState;
  readonly server: string;
  readonly online: boolean;
  readonly needed: number;
  readonly given: number;
  /** Whether the server counts only signatures. */
  readonly locked: boolean;
  readonly from: readonly string[];
  /** Those that can give such an approval. */
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
  readonly result: Pick<ActionResult, 'outcome' | 'summary' | 'undo'> | null;
  /** Who paused all changes, and when. */
  readonly paused: { readonly person: string; readonly since: number } | null;
  /** The action that was refused since the state had drifted, for which this one asks again. */
  readonly follows: { readonly action: string; readonly differences: readonly string[] } | null;
  /** Where it was refused since the state had drifted: the one that asks again, or why there is none. */
  readonly drifted: boolean;
  readonly followedBy: string | null;
  readonly notFollowed: string | null;
  /** Where all is done and the server waits to be told that it can still be reached. */
  readonly confirming: {
    readonly given: readonly { readonly person: { readonly name: string } }[];
    readonly needed: number;
    readonly complete: boolean;
    readonly until: number | null;
  } | null;
}

const sentences: Record<ActionState, (facts: StatusFacts) => string> = {
  awaiting_approval: ({ needed, given, locked, from, channels, decideBy, follows, paused }) =>
    `${follows ? askedAgain(follows) : ''} Waits for ${counted(needed - given, locked ? 'signed approval' : 'approval')}${given > 0 ? ` more (${given} of ${needed} given)` : ''} until ${clock(decideBy)}; then it expires. ` +
    `Whoever is ${either(from)} can ${locked ? 'approve' : 'decide'} by ${either(channels)}; who asked can withdraw it. ${pausedBy(paused)}`,
  approved: (facts) =>
    `${decision(facts, 'Approved')} ${pausedBy(facts.paused)} ${
      facts.paused
        ? `It goes to ${facts.server} if an owner resumes them in time`
        : facts.online
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
  running: ({ server, since, step, online, stopRequested, confirming }) =>
    confirming
      ? toConfirm(server, confirming)
      : `Runs on ${server} since ${clock(since)}${step ? `, ${phases[step.phase] ?? 'at'} ${step.step}` : ''}${online ? '' : '; the server is offline, and its result comes when it returns'}. ` +
        (stopRequested ? 'It was asked to stop.' : 'Who may approve can ask it to stop.'),
  refused: ({ server, error, drifted, followedBy, notFollowed }) =>
    `${error ?? `${server} refused it.`} Nothing was done on ${server}. ${drifted ? whatFollows(followedBy, notFollowed) : ''}`,
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

const counted = (count: number, noun: string) => (count === 1 ? `one ${noun}` : `${count} ${noun}s`);

function askedAgain({ action, differences }: NonNullable<StatusFacts['follows']>): string {
  const [first = 'the state had changed', ...more] = differences;
  return `Asked again, since ${action} was refused: ${first}${more.length > 0 ? ` and ${more.length} more` : ''}.`;
}

function whatFollows(followedBy: string | null, notFollowed: string | null): string {
  if (followedBy !== null)
    return `The approval was not used; it was asked for again as ${followedBy}, with the present state.`;
  if (notFollowed !== null) return `It was not asked for again by itself: ${notFollowed}`;
  return 'It is being asked for again with the present state.';
}

function pausedBy(paused: StatusFacts['paused']): string {
  return paused ? `All changes are paused by ${paused.person} since ${clock(paused.since)}.` : '';
}

function toConfirm(server: string, { given, needed, complete, until }: NonNullable<StatusFacts['confirming']>): string {
  const names = given.map(({ person }) => person.name).join(', ');
  if (complete) return `Done on ${server}, and confirmed by ${names}; ${server} is being told.`;
  return (
    `Done on ${server}, which takes it back by itself${until === null ? '' : ` at ${clock(until)}`} unless somebody confirms that it can still be reached. ` +
    `${given.length > 0 ? `Confirmed by ${names}; ${counted(needed - given.length, 'confirmation')} more needed.` : 'Whoever may approve can confirm.'}`
  );
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
    case 'not_needed':
      return result.outcome === 'failed' ? 'Nothing had been changed.' : '';
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
