import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '@countersign/protocol';
import { lineLog } from '../../src/host/log.ts';
import { Output, STEP_OUTPUT_MAX } from '../../src/run/output.ts';
import type { OutputChunk } from '../../src/run/runner-wire.ts';
import { countingClock, until } from './bed.ts';

const actionId = 'act_000000000001';

function open(t: TestContext, given: { folder?: string; secrets?: string[] } = {}) {
  const folder = given.folder ?? mkdtempSync(join(tmpdir(), 'countersign-output-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sent: OutputChunk[] = [];
  const log = lineLog(
    'test',
    () => 0,
    () => undefined,
  );
  const clock = countingClock(systemClock);
  const output = Output.open({
    actionId,
    folder,
    clock,
    secrets: given.secrets ?? [],
    send: (chunk) => sent.push(chunk),
    log,
  });
  return { output, sent, folder, clock, text: () => sent.map(({ text }) => text).join('') };
}

test('when a step prints small pieces, they come in few chunks with rising numbers', async (t) => {
  const { output, sent, text } = open(t);
  output.begin('one');
  for (let index = 0; index < 100; index += 1) output.write(`line ${index}\n`);
  await until(() => sent.length > 0, 'the first chunk');
  output.begin('two');
  output.write('end');
  output.end();
  assert.deepEqual(
    sent.map(({ step, chunk }) => [step, chunk]),
    [
      ['one', 0],
      ['two', 1],
    ],
  );
  assert.match(text(), /^line 0\n.*line 99\nend$/s);
});

test('T14: when a pipe is full each time, the line at its end is not cut, and a secret in it is blacked out as a whole', async (t) => {
  const { output, text, clock } = open(t);
  const all = `password=${'hunter2'.repeat(12)}\n`.repeat(3000);
  output.begin('one');
  for (let from = 0; from < all.length; from += 65_536) {
    const { fired } = clock;
    output.write(all.slice(from, from + 65_536));
    await until(() => clock.fired > fired, 'the time at which what is left leaves');
  }
  output.end();
  assert.doesNotMatch(text(), /hunter2/);
});

test('T14: when a secret comes in pieces, it is blacked out as a whole', (t) => {
  const { output, text } = open(t, { secrets: ['correct horse'] });
  output.begin('one');
  for (const piece of ['the pass', 'word=hunt', 'er2hunter2 and corr', 'ect horse\nPASS', 'WORD: next', 'one12\n'])
    output.write(piece);
  output.end();
  assert.doesNotMatch(text(), /hunter2|correct horse|nextone12/);
});

test('T14: when a private key is printed over several chunks, no line of it leaves', async (t) => {
  const { output, sent, text, clock } = open(t);
  output.begin('one');
  output.write('-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n');
  await until(() => sent.length > 0, 'the first chunk');
  output.write('aaaa/bbbb/cccc/ddddeeee\n');
  const { fired } = clock;
  await until(() => clock.fired > fired, 'the time at which a chunk would leave');
  output.write('ffff\n-----END RSA PRIVATE KEY-----\nafter\n');
  output.end();
  assert.match(text(), /^\[redacted\]\s+after\n$/);
  assert.doesNotMatch(text(), /MIIE|aaaa|ffff/);
});

test('T6: when output holds control sequences, they are dropped', (t) => {
  const { output, text } = open(t);
  output.begin('one');
  output.write('\u001b[31mred\u001b[0m\u0007 \u202eleft\u0000\n');
  output.end();
  assert.equal(text(), 'red left\n');
});

test('F15: when a step prints more than 1 MiB, the rest is counted and dropped, and the next step has room again', (t) => {
  const { output, sent } = open(t);
  output.begin('one');
  const line = `${'x'.repeat(999)}\n`;
  for (let index = 0; index < 5000; index += 1) output.write(line);
  output.end();
  const kept = sent.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const dropped = sent.reduce((sum, chunk) => sum + chunk.dropped, 0);
  assert.equal(kept, STEP_OUTPUT_MAX);
  assert.equal(kept + dropped, 5_000_000);
  assert.ok(sent.every(({ text }) => Buffer.byteLength(text) <= 64 * 1024));
  output.begin('two');
  output.write('more\n');
  output.end();
  assert.equal(sent.at(-1)?.text, 'more\n');
});

test('when the text has characters of several bytes, no chunk cuts one in two', (t) => {
  const { output, sent, text } = open(t);
  output.begin('one');
  const all = '€😀ä'.repeat(40_000);
  output.write(all);
  output.end();
  assert.equal(text(), all);
  assert.ok(sent.every((chunk) => chunk.text.isWellFormed() && Buffer.byteLength(chunk.text) <= 64 * 1024));
});

test('when a program prints bytes that are no text, all of it comes, and what it prints after them', (t) => {
  const { output, sent, text } = open(t);
  output.begin('one');
  const all = `${'\ufffd'.repeat(61_000)}\nafter\n`;
  output.write(all);
  output.end();
  assert.equal(text(), all);
  assert.ok(sent.every((chunk) => chunk.dropped === 0 && Buffer.byteLength(chunk.text) <= 64 * 1024));
});

test('F7: when a runner takes over, it tells the stored chunks again and skips what the step prints once more', async (t) => {
  const first = open(t);
  first.output.begin('one');
  first.output.write('a\nb\n');
  await until(() => first.sent.length > 0, 'the first chunk');
  const second = open(t, { folder: first.folder });
  assert.deepEqual(second.output.chunks(), first.sent);
  second.output.begin('one', { again: true });
  second.output.write('a\nb\nc\n');
  second.output.end();
  assert.deepEqual(
    second.sent.map(({ chunk, text }) => [chunk, text]),
    [[1, 'c\n']],
  );
  second.output.close();
  assert.equal(Output.stored(first.folder, actionId).length, 2);
  Output.forget(first.folder, actionId);
  assert.deepEqual(Output.stored(first.folder, actionId), []);
});

test('F7: when much is printed at once, a runner that takes over goes on right behind the last chunk', (t) => {
  const first = open(t);
  const line = `${'ä'.repeat(40)}${'x'.repeat(19)}\n`; // 100 bytes, 60 characters
  const all = line.repeat(10_050);
  first.output.begin('one');
  for (let from = 0; from < all.length; from += 39_000) first.output.write(all.slice(from, from + 39_000));
  assert.ok(first.text().length > all.length / 2 && first.text().length < all.length);
  // Without an end: what is not sent yet is lost with the first runner, and printed again.
  const second = open(t, { folder: first.folder });
  second.output.begin('one', { again: true });
  second.output.write(all);
  second.output.end();
  assert.equal(first.text() + second.text(), all);
});

test('T14 F7: when a runner takes over in the middle of a private key, no line of the rest leaves', async (t) => {
  const first = open(t);
  const line = `${'QUJD'.repeat(16)}\n`;
  const key = `-----BEGIN PRIVATE KEY-----\n${line.repeat(20)}-----END PRIVATE KEY-----\n`;
  first.output.begin('one');
  first.output.write(`before\n${key.slice(0, 5 * line.length)}`);
  await until(() => first.sent.length > 0, 'the first chunk');
  const second = open(t, { folder: first.folder });
  second.output.begin('one', { again: true });
  second.output.write(`before\n${key}behind\n`);
  second.output.end();
  assert.equal(first.text() + second.text(), 'before\n[redacted]\nbehind\n');
});

test('when a pipe brings a little more than a chunk each time, no small chunks come of it', (t) => {
  const { output, sent, text } = open(t);
  const all = `${'x'.repeat(99)}\n`.repeat(10_000);
  output.begin('one');
  for (let from = 0; from < all.length; from += 65_536) output.write(all.slice(from, from + 65_536));
  output.end();
  assert.equal(text(), all);
  assert.equal(sent.length, 17);
});
