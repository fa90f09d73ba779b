/** The command lines in the pages are ones that the program takes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { run } from '@countersign/control-plane/cli/program';
import { systemClock } from '@countersign/protocol';
import { systemIds } from '@countersign/protocol/system-ids';
import { documents } from './documents.ts';

/** What the program prints as help for some words, and how it ends. */
async function helpOf(words: readonly string[]): Promise<{ code: number; said: string }> {
  let said = '';
  const take = (text = '') => {
    said += `${text}\n`;
  };
  const nobody = () => Promise.reject(new Error('nothing is asked for help'));
  const code = await run([...words, '--help'], {
    env: {},
    clock: systemClock,
    ids: systemIds,
    version: '0.0.0',
    folder: '/',
    typed: 'countersign',
    terminal: {
      say: take,
      note: take,
      write: async (text) => take(text),
      paint: (_style, text) => text,
      ask: nobody,
      askHidden: nobody,
      readAll: nobody,
    },
  });
  return { code, said };
}

test('when a page shows a command line of ours, the command and its options exist', async () => {
  const lines = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/npm (?:--prefix \S+ )?run -s cli -- ([^`#>\n]+)/g)].map(([, line]) => ({
      path,
      line: line ?? '',
    })),
  );
  assert.ok(lines.length > 10);
  const wrong: string[] = [];
  const { said: everywhere } = await helpOf([]);
  for (const { path, line } of lines) {
    const words = line
      .trim()
      .replaceAll(/"[^"]*"/g, '…')
      .split(/\s+/);
    const all = words.filter((word, index) => /^[a-z][a-z-]*$/.test(word) && !words[index - 1]?.startsWith('--'));
    const verbs = all.slice(
      0,
      /^(server|token|playbook|audit|telegram|key|lock|policy|amendments)$/.test(all[0] ?? '') ? 2 : 1,
    );
    const { code, said } = await helpOf(verbs);
    const options = words.filter((word) => word.startsWith('--'));
    const unknown = options.filter((option) => !said.includes(option) && !everywhere.includes(option));
    if (code !== 0 || !said.includes(`Usage: ${['countersign', ...verbs].join(' ')}`))
      wrong.push(`${path}: there is no command ${verbs.join(' ')}`);
    if (unknown.length > 0) wrong.push(`${path}: "${line.trim()}" has no option ${unknown.join(', ')}`);
  }
  assert.deepEqual(wrong, []);
});
