/** The form of an audit entry: what is hashed, and how one holds the next. */
import { canonicalJson, type Json, shorten, stripControl } from '@countersign/protocol';
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

/**
 * The canonical JSON of a body, byte for byte: its members are known, and stand here in their order, which saves the sorting of
 * what is written most.
 */
export function entryText({ seq, prev, at, event, who, server, action, details }: EntryBody): string {
  const { by, client, ip, person, token } = who;
  const whoText = `{"by":${text(by)},"client":${text(client)},"ip":${text(ip)},"person":${named(person)},"token":${named(token)}}`;
  return `{"action":${text(action)},"at":${canonicalJson(at)},"details":${canonicalJson(details)},"event":${text(event)},"prev":${text(prev)},"seq":${canonicalJson(seq)},"server":${text(server)},"who":${whoText}}`;
}

const text = (value: string | null): string => (value === null ? 'null' : canonicalJson(value));
const named = (it: Who['person']): string => (it === null ? 'null' : `{"id":${text(it.id)},"name":${text(it.name)}}`);

const TEXT_MAX = 2000;

/** The details that may be stored: secret and unknown ones left out, text redacted, freed of control characters and cut. */
export function storableDetails(
  event: string,
  details: Readonly<Record<string, Json | undefined>>,
): Record<string, Json> {
  const storable: Record<string, Json> = {};
  for (const [name, value] of Object.entries(details))
    if (value !== undefined && privacyOf(event, name) !== 'secret') storable[name] = safe(value);
  return storable;
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
