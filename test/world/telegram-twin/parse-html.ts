/**
 * `parse_mode: HTML`, read as strictly as Telegram reads it: only its own tags, every tag closed in order, errors with
 * the byte where they stand. Source: the "Formatting options" of the Bot API, and the error texts of tdlib.
 */
import { checkLink } from './check-link.ts';
import { dateTime, type Entity, type FormattedText, sortEntities } from './entities.ts';
import { badRequest, within } from './telegram-error.ts';

const PREFIX = "Can't parse entities: ";
// The bytes that Telegram takes for white space.
const SPACE = /[ \t\r\n\v\0]*/y;

interface OpenTag {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly offset: number;
}

const SIMPLE = new Map([
  ['b', 'bold'],
  ['strong', 'bold'],
  ['i', 'italic'],
  ['em', 'italic'],
  ['u', 'underline'],
  ['ins', 'underline'],
  ['s', 'strikethrough'],
  ['strike', 'strikethrough'],
  ['del', 'strikethrough'],
  ['tg-spoiler', 'spoiler'],
  ['span', 'spoiler'],
]);
const OTHER = new Set(['a', 'code', 'pre', 'blockquote', 'tg-emoji', 'tg-time']);
const NAMED = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
]);

/** The text without its tags, and what they mean. Throws a 400 "can't parse entities: …". */
export function parseHtml(html: string): FormattedText {
  return new HtmlReader(html).read();
}

class HtmlReader {
  /** One character per byte of the UTF-8 form, since Telegram counts error positions in bytes. */
  readonly #bytes: string;
  readonly #open: OpenTag[] = [];
  readonly #entities: Entity[] = [];
  #at = 0;
  #text = '';

  constructor(html: string) {
    this.#bytes = Buffer.from(html, 'utf8').toString('latin1');
  }

  read(): FormattedText {
    while (this.#at < this.#bytes.length) {
      if (this.#bytes[this.#at] !== '<') this.#text += this.#plain(/[^<&]+/y);
      else if (this.#bytes[this.#at + 1] === '/') this.#readEndTag();
      else this.#readStartTag();
    }
    const unclosed = this.#open.at(-1);
    if (unclosed !== undefined) throw refuse(`Can't find end tag corresponding to start tag "${unclosed.name}"`);
    if (!this.#text.isWellFormed()) {
      throw refuse(
        'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units',
      );
    }
    return { text: this.#text, entities: sortEntities(this.#entities.map(withoutStrayLanguage)) };
  }

  /** What the pattern matches here, or one decoded `&…;`. */
  #plain(pattern: RegExp): string {
    if (this.#bytes[this.#at] !== '&') return utf8(this.#take(pattern));
    const match = /&(?:#x([0-9a-fA-F]*)|#([0-9]*)|([a-zA-Z]*))/y;
    match.lastIndex = this.#at;
    const [all = '&', hex, decimal, name] = match.exec(this.#bytes) ?? [];
    const code = hex !== undefined ? Number.parseInt(hex, 16) : Number.parseInt(decimal ?? '', 10);
    const valid = code > 0 && code < 0x10ffff && all.length < 10;
    const decoded = name === undefined ? (valid ? fromCode(code) : undefined) : NAMED.get(name);
    if (decoded === undefined) {
      this.#at += 1;
      return '&';
    }
    this.#at += all.length + (this.#bytes[this.#at + all.length] === ';' ? 1 : 0);
    return decoded;
  }

  #readStartTag(): void {
    const begin = this.#at;
    this.#at += 1;
    const name = this.#take(/[^ \t\r\n\v\0>]*/y).toLowerCase();
    if (this.#ended) throw refuse(`Unclosed start tag at byte offset ${begin}`);
    if (!SIMPLE.has(name) && !OTHER.has(name))
      throw refuse(`Unsupported start tag "${utf8(name)}" at byte offset ${begin}`);
    const attributes = this.#readAttributes(name, begin);
    if (name === 'span' && attributes.get('class') !== 'tg-spoiler') {
      throw refuse(`Tag "span" must have class "tg-spoiler" at byte offset ${begin}`);
    }
    this.#open.push({ name, attributes, offset: this.#text.length });
  }

  #readAttributes(tag: string, begin: number): Map<string, string> {
    const attributes = new Map<string, string>();
    for (;;) {
      this.#take(SPACE);
      if (this.#ended) throw refuse(`Unclosed start tag at byte offset ${begin}`);
      if (this.#bytes[this.#at] === '>') break;
      const name = this.#take(/[^ \t\r\n\v\0=>]*/y);
      if (name === '') throw refuse(`Empty attribute name in the tag "${tag}" at byte offset ${begin}`);
      this.#take(SPACE);
      if (this.#bytes[this.#at] === '=') {
        this.#at += 1;
        attributes.set(name, this.#readValue(tag, begin));
      } else if (tag === 'blockquote' && name === 'expandable') {
        attributes.set(name, '');
      } else {
        throw refuse(`Expected equal sign in declaration of an attribute of the tag "${tag}" at byte offset ${begin}`);
      }
    }
    this.#at += 1;
    return attributes;
  }

  #readValue(tag: string, begin: number): string {
    this.#take(SPACE);
    if (this.#ended) throw refuse(`Unclosed start tag "${tag}" at byte offset ${begin}`);
    const quote = this.#bytes[this.#at] ?? '';
    if (quote !== '"' && quote !== "'") {
      const tokenAt = this.#at;
      const token = this.#take(/[a-zA-Z0-9.-]*/y).toLowerCase();
      if (!/[ \t\r\n\v\0>]/.test(this.#bytes[this.#at] ?? '')) {
        throw refuse(`Unexpected end of name token at byte offset ${tokenAt}`);
      }
      return token;
    }
    this.#at += 1;
    let value = '';
    while (!this.#ended && this.#bytes[this.#at] !== quote) value += this.#plain(quote === '"' ? /[^"&]+/y : /[^'&]+/y);
    if (this.#ended) throw refuse(`Unclosed start tag at byte offset ${begin}`);
    this.#at += 1;
    return value;
  }

  #readEndTag(): void {
    const begin = this.#at;
    const tag = this.#open.pop();
    if (tag === undefined) throw refuse(`Unexpected end tag at byte offset ${begin}`);
    this.#at += 2;
    const name = this.#take(/[^ \t\r\n\v\0>]*/y).toLowerCase();
    this.#take(SPACE);
    if (this.#bytes[this.#at] !== '>') throw refuse(`Unclosed end tag at byte offset ${begin}`);
    this.#at += 1;
    if (name !== '' && name !== tag.name) {
      throw refuse(`Unmatched end tag at byte offset ${begin}, expected "</${tag.name}>", found "</${utf8(name)}>"`);
    }
    if (this.#text.length > tag.offset) this.#close(tag);
  }

  #close(tag: OpenTag): void {
    const length = this.#text.length - tag.offset;
    const meaning = meaningOf(tag, this.#text.slice(tag.offset));
    if (meaning === undefined) return;
    const inner = this.#entities.at(-1);
    const covered = inner !== undefined && inner.offset === tag.offset && inner.length === length;
    // A block of code with a language is written as <pre><code class="language-…">, and is one entity.
    if (covered && ((tag.name === 'pre' && inner.language) || (inner.type === 'pre' && meaning.language))) {
      this.#entities[this.#entities.length - 1] = { ...inner, ...meaning, type: 'pre' };
    } else {
      this.#entities.push({ ...meaning, offset: tag.offset, length });
    }
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#bytes)?.[0] ?? '';
    this.#at += match.length;
    return match;
  }

  get #ended(): boolean {
    return this.#at >= this.#bytes.length;
  }
}

function meaningOf(tag: OpenTag, text: string): Omit<Entity, 'offset' | 'length'> | undefined {
  const simple = SIMPLE.get(tag.name);
  if (simple !== undefined) return { type: simple };
  if (tag.name === 'blockquote')
    return { type: tag.attributes.has('expandable') ? 'expandable_blockquote' : 'blockquote' };
  if (tag.name === 'a') return linkOf(tag.attributes.get('href') || text);
  if (tag.name === 'tg-emoji')
    return { type: 'custom_emoji', custom_emoji_id: emojiOf(tag.attributes.get('emoji-id') ?? '') };
  if (tag.name === 'tg-time') return timeOf(tag);
  const language = /^language-(.+)$/.exec(tag.attributes.get('class') ?? '')?.[1];
  return { type: tag.name, ...(tag.name === 'code' && language !== undefined ? { language } : {}) };
}

/** Telegram drops a link that it does not like, without an error. */
function linkOf(href: string): Omit<Entity, 'offset' | 'length'> | undefined {
  const user = /^tg:\/\/user\?id=(\d+)$/i.exec(href)?.[1];
  if (user !== undefined) return { type: 'text_mention', user: { id: Number(user) } };
  try {
    return { type: 'text_link', url: checkLink(href) };
  } catch {
    return undefined;
  }
}

function emojiOf(id: string): string {
  if (!/^[1-9]\d{0,18}$/.test(id) || BigInt(id) >= 2n ** 63n) throw refuse('Invalid custom emoji identifier specified');
  return id;
}

function timeOf(tag: OpenTag): Omit<Entity, 'offset' | 'length'> {
  const unix = tag.attributes.get('unix') ?? '';
  if (!/^\d+$/.test(unix)) throw refuse('Invalid Unix time specified');
  return within(PREFIX, () => ({ type: 'date_time', ...dateTime(Number(unix), tag.attributes.get('format')) }));
}

/** A language on `<code>` means something directly inside `<pre>` only. */
function withoutStrayLanguage(entity: Entity): Entity {
  return entity.type === 'code' ? { type: 'code', offset: entity.offset, length: entity.length } : entity;
}

function fromCode(code: number): string {
  return code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function refuse(reason: string): Error {
  return badRequest(PREFIX + reason);
}
