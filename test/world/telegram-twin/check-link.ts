/** Which addresses Telegram accepts in buttons and links. */

/**
 * The address in Telegram's spelling. Throws an `Error` whose message is Telegram's reason. A host without a dot is
 * refused, so that `http://localhost:7070` cannot stand in a button, while `http://127.0.0.1:7070` can.
 * Source: `LinkManager::check_link` in tdlib, and the answers of the live server.
 */
export function checkLink(link: string): string {
  if (/^(?:tg|ton|tonsite):/i.test(link)) return link;
  const protocol = /^([a-z][a-z0-9+.-]*):\/\//i.exec(link)?.[1]?.toLowerCase();
  if (protocol !== undefined && protocol !== 'http' && protocol !== 'https')
    throw new Error('Unsupported URL protocol');
  const full = protocol === undefined ? `http://${link}` : link;
  const host = /^https?:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/i.exec(full)?.[1] ?? '';
  if (host === '') throw new Error('URL host is empty');
  if ((!host.includes('.') && !host.startsWith('[')) || !URL.canParse(full)) throw new Error('Wrong HTTP URL');
  return new URL(full).href;
}
