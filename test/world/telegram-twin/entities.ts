/** Message entities: formatting by position in the text, counted in UTF-16 code units. */
import { checkLink } from './check-link.ts';
import {
  isObject,
  type JsonObject,
  optionalText,
  requiredInteger,
  requiredObject,
  requiredText,
} from './json-fields.ts';
import { badRequest, within } from './telegram-error.ts';

export interface Entity {
  readonly type: string;
  readonly offset: number;
  readonly length: number;
  readonly url?: string;
  readonly language?: string;
  readonly user?: { readonly id: number };
  readonly custom_emoji_id?: string;
  readonly unix_time?: number;
  readonly date_time_format?: string;
}

export interface FormattedText {
  readonly text: string;
  readonly entities: readonly Entity[];
}

/** Telegram keeps this many entities of a message; the rest lose their formatting without an error. */
export const MAX_ENTITIES = 100;

const PLAIN = new Set([
  'bold',
  'italic',
  'underline',
  'strikethrough',
  'spoiler',
  'code',
  'blockquote',
  'expandable_blockquote',
]);
const AUTOMATIC = new Set([
  'mention',
  'hashtag',
  'cashtag',
  'bot_command',
  'url',
  'email',
  'phone_number',
  'bank_card_number',
]);
// Outermost first where two entities cover the same text.
const NESTING = ['blockquote', 'expandable_blockquote', 'pre', 'code', 'text_link', 'text_mention', 'bold', 'italic'];

/** Reads a parameter such as `entities`. Types that Telegram finds by itself are dropped. */
export function readEntities(value: unknown, text: string): Entity[] {
  if (!Array.isArray(value)) return [];
  const entities = value
    .map((entity) => within("Can't parse MessageEntity: ", () => readEntity(entity)))
    .filter((entity) => entity !== undefined);
  for (const entity of entities) checkBounds(entity, text);
  return entities
    .filter((entity) => entity.length > 0)
    .map((entity) => (entity.url === undefined ? entity : { ...entity, url: checkEntityUrl(entity.url) }));
}

/** Entities in Telegram's order: by start, then the longer one first. */
export function sortEntities(entities: readonly Entity[]): Entity[] {
  const rank = (entity: Entity) => (NESTING.indexOf(entity.type) + NESTING.length + 1) % (NESTING.length + 1);
  return [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length || rank(a) - rank(b));
}

function readEntity(value: unknown): Entity | undefined {
  if (!isObject(value)) throw badRequest('expected an Object');
  const offset = requiredInteger(value, 'offset');
  const length = requiredInteger(value, 'length');
  const rest = readType(value);
  return rest === undefined ? undefined : { offset, length, ...rest };
}

function readType(object: JsonObject): Omit<Entity, 'offset' | 'length'> | undefined {
  const type = requiredText(object, 'type');
  if (PLAIN.has(type)) return { type };
  if (AUTOMATIC.has(type)) return undefined;
  if (type === 'pre') {
    const language = optionalText(object, 'language');
    return language === undefined || language === '' ? { type } : { type, language };
  }
  if (type === 'text_link') return { type, url: requiredText(object, 'url') };
  if (type === 'text_mention') return { type, user: { id: requiredInteger(requiredObject(object, 'user'), 'id') } };
  if (type === 'custom_emoji') return { type, custom_emoji_id: requiredText(object, 'custom_emoji_id') };
  if (type === 'date_time')
    return { type, ...dateTime(requiredInteger(object, 'unix_time'), optionalText(object, 'date_time_format')) };
  throw badRequest('Unsupported type specified');
}

/** The fields of a date, with its format checked: `r`, or any of `t`, `T`, `d`, `D`, `w`. */
export function dateTime(unixTime: number, format = ''): Pick<Entity, 'unix_time' | 'date_time_format'> {
  if (!/^(?:[rR]|[tTdDwW]*)$/.test(format)) throw badRequest('Invalid date-time format specified');
  return { unix_time: unixTime, ...(format === '' ? {} : { date_time_format: format }) };
}

function checkEntityUrl(url: string): string {
  try {
    return checkLink(url);
  } catch (error) {
    throw badRequest(`Entity URL '${url}' is invalid: ${(error as Error).message}`);
  }
}

function checkBounds({ offset, length }: Entity, text: string): void {
  const end = offset + length;
  if (offset < 0) throw badRequest(`Receive an entity with incorrect offset ${offset}`);
  if (length < 0) throw badRequest(`Receive an entity with incorrect length ${length}`);
  if (offset > text.length) throw badRequest(`Entity begins after the end of the text at UTF-16 offset ${offset}`);
  if (end > text.length) {
    throw badRequest(
      `Entity beginning at UTF-16 offset ${offset} ends after the end of the text at UTF-16 offset ${end}`,
    );
  }
}
