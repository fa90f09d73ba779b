import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson } from '../src/canonical.ts';
import { commandPreview } from '../src/command-preview.ts';

test('when a plan was stored, with its members sorted, its command is previewed in the words of before', () => {
  const environment = { ZONE: 'Europe/Lisbon', LANG: 'C', LANG2: '{{secret:lang}}' };
  const parameters = { argv: ['env'], timeout_s: 60, environment };
  const before = commandPreview(parameters);
  assert.deepEqual(commandPreview(JSON.parse(canonicalJson(parameters))), before);
  assert.deepEqual(before.effects.slice(2), [
    'Variable LANG is the 1 characters in its parameters.',
    'Variable LANG2 is the value of secret lang.',
    'Variable ZONE is the 13 characters in its parameters.',
  ]);
});
