import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionStates } from '@countersign/protocol';
import { type StatusFacts, statusSentence } from '../../src/actions/status-sentence.ts';

const at = Date.UTC(2026, 10, 20, 2, 13);
const facts: StatusFacts = {
  state: 'awaiting_approval',
  server: 'web-1',
  online: true,
  needed: 1,
  given: 0,
  from: ['approver', 'owner'],
  channels: ['telegram', 'web', 'cli'],
  decided: { person: 'Ben', channel: 'telegram' },
  rule: 'medium-risk',
  decideBy: at + 900_000,
  startBy: at + 120_000,
  since: at,
  note: 'by telegram',
  error: null,
  step: null,
  stopRequested: false,
  result: null,
  locked: false,
  paused: null,
  follows: null,
  drifted: false,
  followedBy: null,
  notFollowed: null,
  confirming: null,
};
const said = (change: Partial<StatusFacts>) => statusSentence({ ...facts, ...change });

test('when an action is shown, each state says what is known, what is next and who can act', () => {
  const words = Object.fromEntries(actionStates.map((state) => [state, said({ state, note: null })]));
  assert.deepEqual(words, {
    awaiting_approval:
      'Waits for one approval until 02:28 UTC; then it expires. Whoever is approver or owner can decide by telegram, web or cli; who asked can withdraw it.',
    approved:
      'Approved by Ben by telegram. It goes to web-1 as soon as nothing else works on the same thing there, until 02:15 UTC; then it expires. Who asked can withdraw it.',
    denied: 'Policy denied it. Nothing was done. It can be asked for anew when policy allows it.',
    rejected: 'Rejected by Ben by telegram. Nothing was done.',
    withdrawn: 'Who asked took it back. Nothing was done.',
    expired: 'Its time is over. Nothing was done. Ask for it again if it is still needed.',
    dispatched:
      'Sent to web-1 at 02:13 UTC; the server has yet to confirm that it begins. Who may approve can ask it to stop.',
    running: 'Runs on web-1 since 02:13 UTC. Who may approve can ask it to stop.',
    refused: 'web-1 refused it. Nothing was done on web-1.',
    unknown:
      'The outcome is not known. It is never started again. web-1 is connected and may still report; else a person who may approve looks at the server and closes it.',
    succeeded: 'It succeeded. Nothing more is needed.',
    failed: 'Closed by a person:',
    stopped: 'It was stopped.',
  });
});

test('when more is known, the sentence tells it', () => {
  assert.match(said({ needed: 3, given: 1 }), /^Waits for 2 approvals more \(1 of 3 given\)/);
  assert.match(said({ state: 'approved', decided: null }), /^Policy rule medium-risk allows it without asking\./);
  assert.match(
    said({ state: 'running', stopRequested: true, step: { step: 'reload', phase: 'undoing' } }),
    /taking back reload\. It was asked to stop\.$/,
  );
  const result = {
    outcome: 'failed' as const,
    summary: 'nginx.service failed its check.',
    undo: { state: 'failed' as const, steps: [] },
  };
  assert.equal(
    said({ state: 'failed', result }),
    'nginx.service failed its check. Taking it back failed: somebody has to look at the server.',
  );
});
