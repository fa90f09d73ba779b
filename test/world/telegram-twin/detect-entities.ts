/** Commands, mentions, addresses and tags that Telegram finds in a text by itself. */
import type { Entity } from './entities.ts';

const OPAQUE = new Set(['code', 'pre', 'text_link', 'text_mention', 'custom_emoji', 'date_time']);

/** In order of precedence: a later kind does not begin inside an earlier one. Addresses count with their protocol only. */
const KINDS: ReadonlyArray<readonly [type: string, pattern: RegExp]> = [
  ['url', /\bhttps?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]]/gi],
  ['email', /(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g],
  ['mention', /(?<![\w/])@[A-Za-z]\w{3,31}(?!\w)/g],
  ['bot_command', /(?<![\w/@.])\/[A-Za-z0-9_]{1,64}(?:@\w{3,32})?(?![\w/])/g],
  ['hashtag', /(?<!\w)#\w*[A-Za-z_]\w*/g],
];

/** Entities to add to those that the sender gave. */
export function detectEntities(text: string, given: readonly Entity[]): Entity[] {
  const taken = given.filter((entity) => OPAQUE.has(entity.type));
  const found: Entity[] = [];
  for (const [type, pattern] of KINDS) {
    for (const match of text.matchAll(pattern)) {
      const entity = { type, offset: match.index, length: match[0].length };
      if (![...taken, ...found].some((other) => overlap(entity, other))) found.push(entity);
    }
  }
  return found;
}

function overlap(a: Entity, b: Entity): boolean {
  return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
}
