import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256 } from '@countersign/protocol/digest';
import { actionDetail } from '../../src/actions/action-detail.ts';
import { asSeenBy } from '../../src/actions/conceal-plan.ts';
import { anaAtDashboard, assistant, heart } from './heart.ts';
import { previewOf } from './small-fleet.ts';

const content = 'password hunter2 in a form that nothing recognises\n';

test('T14: when a token reads an action that another one asked for, it sees what is written as size and digest', async (t) => {
  const h = await heart(t);
  h.fleet.answer = async (draft) => ({
    ...previewOf(draft),
    steps: previewOf(draft).steps.map((step) => ({ ...step, diff: `+${content}` })),
  });
  const { actionId } = await h.ask({
    wanted: { kind: 'file', path: '/etc/motd', content, expected_sha256: null, validator: 'none' },
  });
  const detail = await actionDetail(h.deps, actionId);
  const stranger = { ...assistant, token: { id: 'tok_0000000000zz', name: 'other', scope: 'read' as const } };
  const seen = asSeenBy(stranger, detail);
  assert.doesNotMatch(JSON.stringify(seen), /hunter2/);
  assert.equal(
    seen.plan.steps[0]?.parameters.content,
    `[${Buffer.byteLength(content)} bytes, SHA-256 ${sha256(content)}: shown to people and to the token that asked]`,
  );
  assert.equal(seen.plan.steps[0]?.parameters.path, '/etc/motd');
  assert.equal(seen.digest, detail.digest);
  for (const caller of [assistant, anaAtDashboard]) assert.equal(asSeenBy(caller, detail), detail);
});
