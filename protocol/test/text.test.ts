import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeDeceptive, looksDeceptive, shorten, stripControl } from '../src/text.ts';

test('when output holds terminal sequences, they are dropped and lines stay', () => {
  assert.equal(stripControl('\u001b[31mred\u001b[0m\r\nnext\u0007 \u001b]0;title\u0007end\u009b2J'), 'red\nnext end2J');
});

test('when output hides or turns text, the hiding characters are dropped', () => {
  assert.equal(stripControl('rm \u202e/fr- \u200bx\ufeff'), 'rm /fr- x');
});

test('when a value would deceive the eye, what is hidden in it is shown', () => {
  assert.equal(escapeDeceptive('ngin\u200bx\u202e'), 'ngin\\u{200b}x\\u{202e}');
  assert.equal(looksDeceptive('nginx.service'), false);
  assert.equal(looksDeceptive('ngіnx.service'), true, 'a Cyrillic letter among Latin ones');
});

test('when text is too long, it is cut and says so', () => {
  assert.equal(shorten('short', 10), 'short');
  assert.match(shorten('x'.repeat(100), 50), /more characters\)$/);
  assert.ok(shorten('x'.repeat(100), 50).length <= 52);
});
