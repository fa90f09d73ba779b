/** The form of an audit entry: what is hashed, and how one holds the next. */
import { type Json, shorten, stripControl } from '@countersign/protocol';
import { redact } from '@countersign/protocol/redaction';
import { privacyOf } from './events.ts';
import type { Who } from './who.ts';

/** What the first entry has in the place of the hash before it. */
export const NO_HASH = '0'.repeat(64);

/** The body of an entry. Its canonical JSON is what is stored and hashed; `prev` is the hash of the entry before. */
export interface EntryBody {
  readonly seq: number;
  readonly prev: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly event: string;
  readonly who: Who;
  readonly server: string | null;
  readonly action: string | null;
  readonly details: Readonly<Record<string, Json>>;
}

const TEXT_MAX = 2000;

/** The details that may be stored: secret and unknown ones left out, text redacted, freed of control characters and cut. */
export function storableDetails(
  event: string,
  details: Readonly<Record<string, Json | undefined>>,
): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(details).flatMap(([name, value]) =>
      value === undefined || privacyOf(event, name) === 'secret' ? [] : [[name, safe(value)]],
    ),
  );
}

/** The details that a reader may see: a token does not see the sensitive ones. */
export function visibleDetails<T>(
  event: string,
  details: Readonly<Record<string, T>>,
  reader: 'person' | 'token',
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(details).filter(([name]) => {
      const privacy = privacyOf(event, name);
      return privacy === 'public' || (privacy === 'sensitive' && reader === 'person');
    }),
  );
}

/** Text from outside, fit to be kept for ever. */
export function safeText(text: string, max = TEXT_MAX): string {
  return shorten(redact(stripControl(text)).text, max);
}

function safe(value: Json): Json {
  if (typeof value === 'string') return safeText(value);
  if (Array.isArray(value)) return value.map((item: Json) => safe(item));
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, safe(member)]])),
    );
  return value;
}
