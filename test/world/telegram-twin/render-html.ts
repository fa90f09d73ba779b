/** A message's text as HTML: the reverse of `parse-html.ts`. */
import type { Entity, FormattedText } from './entities.ts';

const TAGS = new Map([
  ['bold', 'b'],
  ['italic', 'i'],
  ['underline', 'u'],
  ['strikethrough', 's'],
  ['spoiler', 'tg-spoiler'],
  ['code', 'code'],
  ['blockquote', 'blockquote'],
]);
const FOUND = new Set(['url', 'email', 'mention', 'bot_command', 'hashtag']);

/**
 * The text in Telegram's HTML, escaped (`&lt;`, `&gt;`, `&amp;`, in attributes also `&quot;`). What Telegram found by
 * itself (addresses, commands) is marked only with `found`, for showing on a page.
 */
export function renderHtml({ text, entities }: FormattedText, options: { found?: boolean } = {}): string {
  const shown = entities.filter((entity) => options.found || !FOUND.has(entity.type));
  const cuts = [...new Set(shown.flatMap((entity) => [entity.offset, entity.offset + entity.length]))].sort(
    (a, b) => a - b,
  );
  let html = '';
  let open: Entity[] = [];
  let from = 0;
  for (const cut of [...cuts, text.length]) {
    html += escapeHtml(text.slice(from, cut));
    const now = shown.filter((entity) => entity.offset <= cut && cut < entity.offset + entity.length);
    const common = open.findIndex((entity, index) => entity !== now[index]);
    const kept = common < 0 ? open.length : common;
    html += open
      .slice(kept)
      .reverse()
      .map((entity) => closing(entity))
      .join('');
    html += now
      .slice(kept)
      .map((entity) => opening(entity, text))
      .join('');
    open = now;
    from = cut;
  }
  return html;
}

/** Text for HTML, outside and inside of attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function opening(entity: Entity, text: string): string {
  const covered = text.slice(entity.offset, entity.offset + entity.length);
  if (entity.type === 'text_link') return `<a href="${attribute(entity.url ?? '')}">`;
  if (entity.type === 'text_mention') return `<a href="tg://user?id=${entity.user?.id}">`;
  if (entity.type === 'url') return `<a href="${attribute(covered)}">`;
  if (entity.type === 'pre')
    return entity.language ? `<pre><code class="language-${attribute(entity.language)}">` : '<pre>';
  if (entity.type === 'expandable_blockquote') return '<blockquote expandable>';
  if (entity.type === 'custom_emoji') return `<tg-emoji emoji-id="${attribute(entity.custom_emoji_id ?? '')}">`;
  if (entity.type === 'date_time') return `<tg-time unix="${entity.unix_time}"${timeFormat(entity)}>`;
  return FOUND.has(entity.type) ? `<span class="${entity.type}">` : `<${TAGS.get(entity.type)}>`;
}

function closing(entity: Entity): string {
  if (entity.type === 'text_link' || entity.type === 'text_mention' || entity.type === 'url') return '</a>';
  if (entity.type === 'pre') return entity.language ? '</code></pre>' : '</pre>';
  if (entity.type === 'expandable_blockquote') return '</blockquote>';
  if (entity.type === 'custom_emoji') return '</tg-emoji>';
  if (entity.type === 'date_time') return '</tg-time>';
  return FOUND.has(entity.type) ? '</span>' : `</${TAGS.get(entity.type)}>`;
}

function timeFormat(entity: Entity): string {
  return entity.date_time_format === undefined ? '' : ` format="${attribute(entity.date_time_format)}"`;
}

function attribute(value: string): string {
  return escapeHtml(value).replaceAll('"', '&quot;');
}
