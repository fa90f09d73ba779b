/** The text or caption of an outgoing message, from the parameters to what Telegram keeps. */
import { detectEntities } from './detect-entities.ts';
import { type Entity, type FormattedText, MAX_ENTITIES, readEntities, sortEntities } from './entities.ts';
import type { Parameters } from './parameters.ts';
import { parseHtml } from './parse-html.ts';
import { badRequest } from './telegram-error.ts';

const MAX_RAW_BYTES = 1 << 15;
// Tdlib's clean_input_string: line and direction marks, and letters that draw a line over their neighbours, vanish.
const REMOVED = /[\r\u2028-\u202e]|\u0333|\u033f|\u030a/;
const BLANKED = /[\0-\u0008\u000b-\u001f]/;

/**
 * Reads a text with its formatting. The product speaks HTML or entities; the two Markdown modes are refused as unknown,
 * though Telegram has them.
 */
export function readText(parameters: Parameters, name: string, entitiesName: string): FormattedText {
  const text = parameters.text(name);
  if (Buffer.byteLength(text) > MAX_RAW_BYTES) throw badRequest('Text is too long');
  const mode = parameters.text('parse_mode').toLowerCase();
  if (text !== '' && mode === 'html') return parseHtml(text);
  if (text !== '' && mode !== '' && mode !== 'none') throw badRequest('Unsupported parse_mode');
  const entities = parameters.json(entitiesName, "Can't parse entities JSON object");
  return { text, entities: readEntities(entities, text) };
}

/** The text as it will be kept: cleaned, trimmed, with found entities. `limit` counts Unicode characters. */
export function settleText(given: FormattedText, limit: number, tooLong: string): FormattedText {
  const cleaned = clean(given);
  if ([...cleaned.text].length > limit) throw badRequest(tooLong);
  const formatted = dropInsideCode(cleaned.entities);
  const all = sortEntities([...formatted, ...detectEntities(cleaned.text, formatted)]);
  return { text: cleaned.text, entities: all.slice(0, MAX_ENTITIES) };
}

function clean(given: FormattedText): FormattedText {
  const moved: number[] = [];
  let kept = '';
  for (const character of given.text.split('')) {
    moved.push(kept.length);
    if (!REMOVED.test(character)) kept += BLANKED.test(character) ? ' ' : character;
  }
  moved.push(kept.length);
  const text = kept.replace(/^[ \n\t]+|[ \n\t]+$/g, '');
  const start = text === '' ? kept.length : kept.indexOf(text);
  const place = (offset: number) => Math.min(text.length, Math.max(0, (moved[offset] ?? kept.length) - start));
  const entities = given.entities.map((entity) => {
    const offset = place(entity.offset);
    return { ...entity, offset, length: place(entity.offset + entity.length) - offset };
  });
  return { text, entities: entities.filter((entity) => entity.length > 0) };
}

/** Code holds no other formatting, and a quote no further quote. */
function dropInsideCode(entities: readonly Entity[]): Entity[] {
  const sorted = sortEntities(entities);
  return sorted.filter((entity, index) => !sorted.slice(0, index).some((outer) => excludes(outer, entity)));
}

function excludes(outer: Entity, inner: Entity): boolean {
  if (inner.offset >= outer.offset + outer.length) return false;
  const code = outer.type === 'code' || outer.type === 'pre';
  return code || (outer.type.endsWith('blockquote') && inner.type.endsWith('blockquote'));
}
