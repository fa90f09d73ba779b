import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withoutKeyLines } from '../../src/capabilities/files/key-lines.ts';

const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----';
const END = '-----END OPENSSH PRIVATE KEY-----';

test('T14: when a private key lies in lines of a log, its short last line is hidden too', () => {
  const lines = ['before', BEGIN, 'b3BlbnNzaC1rZXktdjEAAAAABG5vbmU', 'AAAEBm9uZQ==', END, 'after'];
  assert.deepEqual(withoutKeyLines(lines), ['before', BEGIN, '[redacted]', '[redacted]', END, 'after']);
});

test('T14: when a text begins in the middle of a key, or ends there, what lies inside is hidden', () => {
  assert.deepEqual(withoutKeyLines(['AAAEBm9uZQ==', END, 'after']), ['[redacted]', END, 'after']);
  assert.deepEqual(withoutKeyLines(['before', BEGIN, 'AAAEBm9uZQ==']), ['before', BEGIN, '[redacted]']);
  assert.deepEqual(withoutKeyLines(['one', 'two']), ['one', 'two']);
  assert.deepEqual(withoutKeyLines([BEGIN, 'a', END, 'b', BEGIN, 'c', END]), [
    ...[BEGIN, '[redacted]', END, 'b', BEGIN, '[redacted]', END],
  ]);
});
