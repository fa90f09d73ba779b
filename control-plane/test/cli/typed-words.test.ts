import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { folderOf, inTypedWords, typedWords } from '../../src/cli/typed-words.ts';

const clone = resolve(import.meta.dirname, '../../..');
const program = `${clone}/control-plane/src/cli/main.ts`;

test('when the command line is started, hints use the words that work where the person is', () => {
  assert.equal(typedWords({ cwd: clone, program, env: { INIT_CWD: clone } }), 'npm run -s cli --');
  assert.equal(
    typedWords({ cwd: clone, program, env: { INIT_CWD: '/home/ada' } }),
    `npm --prefix ${clone} run -s cli --`,
  );
  assert.equal(typedWords({ cwd: '/home/ada', program, env: {} }), `npm --prefix ${clone} run -s cli --`);
  assert.equal(typedWords({ cwd: '/home/ada', program: '/usr/bin/countersign', env: {} }), 'countersign');
});

test('when npm changes the folder, files that a person names are still found from where they are', () => {
  assert.equal(folderOf({ cwd: clone, env: { INIT_CWD: '/home/ada' } }), '/home/ada');
  assert.equal(folderOf({ cwd: '/home/ada', env: { INIT_CWD: '/left/over/from/another/npm' } }), '/home/ada');
});

test('when a sentence names a command of ours, it is put in those words, and other text stays', () => {
  const words = { typed: 'npm run -s cli --', verbs: ['login', 'audit'] };
  assert.equal(inTypedWords('Run `countersign login`.', words), 'Run `npm run -s cli -- login`.');
  assert.equal(
    inTypedWords('countersign-agent doctor; countersign is up', words),
    'countersign-agent doctor; countersign is up',
  );
});
