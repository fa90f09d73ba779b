import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { libraryFolder, parsePlaybook, playbookFiles } from '@countersign/playbooks';
import { sha256 } from '@countersign/protocol/digest';
import { openParsedBefore } from '../../src/playbooks/parsed-before.ts';
import { tempFolder } from '../storage/temp-database.ts';

const place = { file: 'a.yaml' };

async function library(): Promise<string[]> {
  return Promise.all((await playbookFiles(libraryFolder)).map((file) => readFile(file, 'utf8')));
}

test('when playbooks were parsed at an earlier start, each is the same from what is remembered as from its text', async (t) => {
  const folder = await tempFolder(t);
  const texts = await library();
  const first = openParsedBefore(folder);
  for (const text of texts) first.parse(text, place);
  await first.save();
  const [, , kept = ''] = (await readFile(join(folder, 'playbooks.json'), 'utf8')).split('\n');
  assert.equal(JSON.parse(kept).length, texts.length, 'all of them are remembered');
  const second = openParsedBefore(folder);
  for (const text of texts) assert.deepEqual(second.parse(text, place), parsePlaybook(text, place));
});

test('when what is remembered is damaged or of another program, the text is parsed; else it is not', async (t) => {
  const folder = await tempFolder(t);
  const file = join(folder, 'playbooks.json');
  const [text = ''] = await library();
  const first = openParsedBefore(folder);
  const { title = '' } = first.parse(text, place).playbook ?? {};
  await first.save();
  const [program = '', digest = '', kept = ''] = (await readFile(file, 'utf8')).split('\n');
  const other = kept.replace(JSON.stringify(title), '"Another title"');
  assert.notEqual(other, kept);
  const titleFrom = async (...lines: string[]) => {
    await writeFile(file, `${lines.join('\n')}\n`);
    return openParsedBefore(folder).parse(text, place).playbook?.title;
  };
  assert.equal(await titleFrom(program, sha256(other), other), 'Another title', 'it is used');
  assert.equal(await titleFrom(program, digest, other), title, 'the digest does not fit');
  assert.equal(await titleFrom(program, digest, kept.slice(0, -9)), title, 'the end is missing');
  assert.equal(await titleFrom(sha256('other sources'), sha256(other), other), title, 'another program wrote it');
  assert.equal(await titleFrom(''), title, 'nothing is in it');
});

test('when a playbook has problems, they are told at every start', async (t) => {
  const folder = await tempFolder(t);
  for (let n = 0; n < 2; n += 1) {
    const parsed = openParsedBefore(folder);
    assert.equal(parsed.parse('id: x\n', place).playbook, undefined);
    await parsed.save();
  }
});

test('when a playbook is edited again and again, only what it says at last is remembered', async (t) => {
  const folder = await tempFolder(t);
  const parsed = openParsedBefore(folder);
  const [text = ''] = await library();
  const remembered = async () =>
    JSON.parse((await readFile(join(folder, 'playbooks.json'), 'utf8')).split('\n')[2] ?? '');
  for (let edit = 1; edit <= 3; edit += 1) {
    parsed.parse(`${text}# ${edit}\n`, place);
    await parsed.save();
    assert.deepEqual(
      (await remembered()).map(([digest]: [string]) => digest),
      [sha256(`${text}# ${edit}\n`)],
    );
  }
  assert.deepEqual(parsed.parse(`${text}# 3\n`, place), parsePlaybook(`${text}# 3\n`, place));
});
