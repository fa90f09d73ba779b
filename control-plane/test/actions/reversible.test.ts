import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isReversible } from '../../src/actions/reversible.ts';

const step = (undo: string | null) => ({ step: 'a', argv: [], diff: null, effects: [], undo });
const preview = (...undos: (string | null)[]) => ({ steps: undos.map(step), witness: [], predictable: true });

test('when a server says that a step cannot be taken back now, its plan is not shown as one that can be', () => {
  const draft = { reversible: true, undo: [] };
  assert.equal(isReversible(draft, preview('The file comes back.')), true);
  assert.equal(isReversible(draft, preview('The file comes back.', null)), false);
  assert.equal(isReversible({ ...draft, undo: [{}] as never }, preview(null)), true, 'it brings undo steps of its own');
  assert.equal(isReversible({ ...draft, reversible: false }, preview('x')), false);
  assert.equal(isReversible(draft, preview()), true, 'nobody asked the server');
});
