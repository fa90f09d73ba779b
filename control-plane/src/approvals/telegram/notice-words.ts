/** What is told of itself, to whom, and in which words. Pure. Threat T4: who loses an account hears of it somewhere else. */
import type { FormattedString } from '@grammyjs/parse-mode';
import type { EntryBody } from '../../audit/entry.ts';
import type { AuditEvent } from '../../audit/events.ts';
import { bold, fmt, type Line, lines, sentence, timeOfDay, value } from './words.ts';

/** `owners`: all of them. `approvers`: owners and approvers but the one who did it. `person`: whose account it is. */
export type Audience = 'owners' | 'approvers' | 'person';

interface Notice {
  readonly to: Audience;
  readonly words: (entry: EntryBody, server: string) => readonly Line[];
}

const name = ({ who }: EntryBody) => sentence(who.person?.name ?? who.by, { max: 100 });
const detail = ({ details }: EntryBody, key: string) => value(String(details[key] ?? '?'), 100);
const from = ({ who }: EntryBody) => (who.ip === null ? '' : fmt` from ${value(who.ip)}`);

const notices = {
  'ledger.contradicted': {
    to: 'owners',
    words: (entry, server) => [
      bold(fmt`🚨 ${value(server)} contradicts the audit log`),
      entry.details.kind === 'rewritten'
        ? 'It remembers other entries than this database has: somebody may have rewritten the log.'
        : fmt`It remembers ${detail(entry, 'size')} entries, this database has ${detail(entry, 'entries')}: it was rolled back, or cut off.`,
      'Changes there are refused until an owner accepts the loss, on the audit page of the dashboard.',
    ],
  },
  'server.witness_key_changed': {
    to: 'owners',
    words: (_entry, server) => [
      bold(fmt`🚨 ${value(server)} shows another witness key`),
      'What it says of the audit log is not believed. If you reset the server, enrol it anew; if not, look at it now.',
    ],
  },
  'passkey.added': {
    to: 'person',
    words: (entry) => [
      bold('🔑 Your account has a new passkey'),
      fmt`It is called ${detail(entry, 'name')}, and was added at ${timeOf(entry)}${from(entry)}.`,
      'If that was not you, remove it on your account page and end all other sessions. /panic pauses all changes.',
    ],
  },
  'setup.finished': {
    to: 'owners',
    words: (entry) => [
      bold(fmt`🔑 ${name(entry)} is an owner by a recovery link`),
      fmt`With a new password, signed in at ${timeOf(entry)}${from(entry)}. Who can write the folder of the control plane can make such a link.`,
      'If none of you did, look at that machine. /panic pauses all changes.',
    ],
  },
  'dispatch.paused': {
    to: 'approvers',
    words: (entry) => [
      bold('⏸ All changes are paused'),
      fmt`By ${name(entry)} at ${timeOf(entry)}. Nothing that is approved starts; an owner lets changes happen again in the dashboard.`,
    ],
  },
  'dispatch.resumed': {
    to: 'approvers',
    words: (entry) => [bold('▶️ Changes go on'), fmt`${name(entry)} ended the pause at ${timeOf(entry)}.`],
  },
} as const satisfies Partial<Record<AuditEvent, Notice>>;

export const noticedEvents = Object.keys(notices) as (keyof typeof notices)[];

const noticeOf = (event: string): Notice | undefined =>
  Object.hasOwn(notices, event) ? notices[event as keyof typeof notices] : undefined;

/** Whether this person is to hear of an entry. */
export function concerns(entry: EntryBody, person: { readonly id: string; readonly role: string }): boolean {
  const own = entry.who.person?.id === person.id;
  switch (noticeOf(entry.event)?.to) {
    case 'owners':
      return person.role === 'owner';
    case 'approvers':
      return person.role !== 'viewer' && !own;
    case 'person':
      return own;
    default:
      return false;
  }
}

export function noticeText(entry: EntryBody, server: string): FormattedString {
  return lines(noticeOf(entry.event)?.words(entry, server) ?? []);
}

function timeOf({ at }: EntryBody): string {
  return timeOfDay(new Date(at).toISOString());
}
