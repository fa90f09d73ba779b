import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHtml } from './parse-html.ts';
import { settleText } from './read-text.ts';
import { renderHtml } from './render-html.ts';

const refused = (html: string) => {
  let reason = 'nothing was refused';
  assert.throws(
    () => parseHtml(html),
    (error: Error) => {
      reason = error.message.replace("Bad Request: can't parse entities: ", '');
      return true;
    },
  );
  return reason;
};

test('when HTML is well formed, text and entities come out, counted in UTF-16', () => {
  const { text, entities } = parseHtml(
    '<b>Ü😀 <i>both</i></b> &lt;x&gt; <a href="https://Example.com/a?b=1&amp;c">link</a>',
  );
  assert.equal(text, 'Ü😀 both <x> link');
  assert.deepEqual(entities, [
    { type: 'bold', offset: 0, length: 8 },
    { type: 'italic', offset: 4, length: 4 },
    { type: 'text_link', url: 'https://example.com/a?b=1&c', offset: 13, length: 4 },
  ]);
});

test('when a quote is expandable or code has a language, the entity says so', () => {
  assert.deepEqual(parseHtml('<blockquote expandable>why</blockquote>').entities, [
    { type: 'expandable_blockquote', offset: 0, length: 3 },
  ]);
  assert.deepEqual(parseHtml('<pre><code class="language-sh">ls</code></pre>').entities, [
    { type: 'pre', language: 'sh', offset: 0, length: 2 },
  ]);
  assert.deepEqual(parseHtml('<code class="language-sh">ls</code>').entities, [{ type: 'code', offset: 0, length: 2 }]);
  assert.deepEqual(parseHtml('<tg-time unix="1647531900" format="r">soon</tg-time>').entities, [
    { type: 'date_time', unix_time: 1647531900, date_time_format: 'r', offset: 0, length: 4 },
  ]);
});

test("when HTML is not Telegram's HTML, the refusal names the byte", () => {
  const cases: [string, string][] = [
    ['<script>x</script>', 'Unsupported start tag "script" at byte offset 0'],
    ['ü<br/>', 'Unsupported start tag "br/" at byte offset 2'],
    ['a < b', 'Unsupported start tag "" at byte offset 2'],
    ['a <b', 'Unclosed start tag at byte offset 2'],
    ['<b><i>test</b></i>', 'Unmatched end tag at byte offset 10, expected "</i>", found "</b>"'],
    ['<b>unclosed', 'Can\'t find end tag corresponding to start tag "b"'],
    ['x</b>', 'Unexpected end tag at byte offset 1'],
    ['<span class="red">x</span>', 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
    ['<b hidden>x</b>', 'Expected equal sign in declaration of an attribute of the tag "b" at byte offset 0'],
    ['<a href="https://x.org>x</a>', 'Unclosed start tag at byte offset 0'],
    ['<a href=https://x.org>x</a>', 'Unexpected end of name token at byte offset 8'],
    ['<tg-emoji emoji-id="9999999999999999999">x</tg-emoji>', 'Invalid custom emoji identifier specified'],
    [
      '&#xd83d;',
      'Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units',
    ],
  ];
  for (const [html, reason] of cases) assert.equal(refused(html), reason, html);
});

test('when an ampersand or a link means nothing to Telegram, it stays plain text', () => {
  assert.deepEqual(parseHtml('a && b &nbsp; &copy &#0; &lt'), { text: 'a && b &nbsp; &copy &#0; <', entities: [] });
  assert.deepEqual(parseHtml('<a href="http://localhost/x">here</a>'), { text: 'here', entities: [] });
  assert.deepEqual(parseHtml('<b></b>x'), { text: 'x', entities: [] });
});

test('when a text is settled, it is trimmed and cleaned, and what is found in it is marked', () => {
  const settled = settleText(parseHtml('\n <b>go\r\u202e</b> https://example.com/x. /status@a_bot \u0007 '), 4096, 'x');
  assert.equal(settled.text, 'go https://example.com/x. /status@a_bot');
  assert.deepEqual(settled.entities, [
    { type: 'bold', offset: 0, length: 2 },
    { type: 'url', offset: 3, length: 21 },
    { type: 'bot_command', offset: 26, length: 13 },
  ]);
  const code = settleText(parseHtml('<code><b>rm</b> https://example.com</code>'), 4096, 'x');
  assert.deepEqual(code.entities, [{ type: 'code', offset: 0, length: 22 }]);
  const many = settleText(parseHtml('<b>a</b> '.repeat(101)), 4096, 'x');
  assert.equal(many.entities.length, 100);
});

test('when a text is rendered, its own HTML comes back and nothing of the text is markup', () => {
  const same = [
    '<b>a<i>b</i></b>c &lt;script&gt; &amp;amp;',
    '<blockquote expandable>why <code>x</code></blockquote>',
    '<pre><code class="language-sh">a\n&lt;b</code></pre>',
    '<a href="https://x.org/?a=&quot;">q</a>',
    '<tg-spoiler>s</tg-spoiler><u>u</u><s>s</s>',
  ];
  for (const html of same) {
    const settled = settleText(parseHtml(html), 4096, 'x');
    assert.deepEqual(settleText(parseHtml(renderHtml(settled)), 4096, 'x'), settled, html);
  }
  const crossing = {
    text: 'abc',
    entities: [
      { type: 'bold', offset: 0, length: 2 },
      { type: 'italic', offset: 1, length: 2 },
    ],
  };
  assert.equal(renderHtml(crossing), '<b>a<i>b</i></b><i>c</i>');
});
