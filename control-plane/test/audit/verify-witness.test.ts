import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignedWitness, Witness } from '@countersign/protocol';
import { makeSigningKey, signValue } from '@countersign/protocol/signing';
import { checkpointLine, entryLine, headerLine } from '../../src/audit/export.ts';
import { LedgerReading, readBody } from '../../src/audit/ledger-reading.ts';
import { exportedEntries } from '../../src/audit/verify-export.ts';
import { compareWitness, inWords, readWitness, sizesIn, stateOf } from '../../src/audit/verify-witness.ts';
import { serverVerdictLines } from '../../src/cli/witness-files.ts';
import {
  actionEntries,
  append,
  journaled,
  type Ledger,
  type NewBody,
  servers,
  statement,
  witnessedLedger,
} from './manipulated-ledger.ts';

const [server, elsewhere] = servers;
const key = makeSigningKey();
const day = 86_400_000;
const late = Date.UTC(2026, 10, 2);

/** A log of one server with these entries after its enrolment. */
function logOf(...bodies: NewBody[]): Ledger {
  const log: Ledger = { entries: [], checkpoints: [] };
  append(log, { event: 'server.enrolled', server, action: null, details: {} });
  for (const body of bodies) append(log, body);
  return log;
}

function problemsOf(log: Ledger, signed: SignedWitness, expected = {}): string[] {
  const ledger = new LedgerReading(sizesIn([signed]));
  for (const { body, hash } of log.entries) ledger.take({ body: readBody(body) ?? assert.fail(), hash });
  return compareWitness(ledger, signed, expected).problems.map(({ problem, accepted }) =>
    accepted === null ? problem : `${problem} (${accepted})`,
  );
}

test('when log and journal tell the same, there is nothing to name', () => {
  const { log, witnesses } = witnessedLedger(key);
  for (const it of witnesses)
    assert.deepEqual(problemsOf(log, it, { server: it.witness.server, key: it.own.publicKey }), []);
});

const done = actionEntries(1, server, 'succeeded');
const before = (word: string) =>
  done.slice(
    0,
    done.findIndex(({ event }) => event === `action.${word}`),
  );

const cases: Record<string, { log: Ledger; actions: Witness['journal']['actions']; says: RegExp | null }> = {
  'an action ran that the log does not know': {
    log: logOf(),
    actions: [journaled(1, 'succeeded')],
    says: /ran on the server, and the log does not know it/,
  },
  'an action ran that the log has on another server': {
    log: logOf(...actionEntries(1, elsewhere, 'succeeded')),
    actions: [journaled(1, 'succeeded')],
    says: /and the log has it on srv_000000000002/,
  },
  'an action ran with another plan': {
    log: logOf(...done),
    actions: [{ ...journaled(1, 'succeeded'), digest: 'a'.repeat(64) }],
    says: /with another plan than the log has/,
  },
  'an action ran that was never sent': {
    log: logOf(...before('dispatched')),
    actions: [journaled(1, 'open')],
    says: /by the log it was never sent/,
  },
  'an action was refused that was never sent': {
    log: logOf(...before('dispatched')),
    actions: [journaled(1, 'refused')],
    says: /was refused by the server, and by the log it was never sent/,
  },
  'an action ended otherwise': {
    log: logOf(...done),
    actions: [journaled(1, 'failed')],
    says: /succeeded by the log, and failed by the server’s journal/,
  },
  'an action ended by the log and is open in the journal': {
    log: logOf(...done),
    actions: [journaled(1, 'open')],
    says: /and open by the server’s journal/,
  },
  'an action is missing in the journal': {
    log: logOf(...done),
    actions: [],
    says: /succeeded there by the log, and the server’s journal does not know it/,
  },
  'the end of an action was not told yet': {
    log: logOf(...before('succeeded')),
    actions: [journaled(1, 'succeeded')],
    says: null,
  },
  'an action was sent and nothing is known of it': { log: logOf(...before('started')), actions: [], says: null },
  'an action was lost by the log and ended by the journal': {
    log: logOf(...before('succeeded'), { ...(done[0] as NewBody), event: 'action.lost' }),
    actions: [journaled(1, 'failed')],
    says: null,
  },
  'people closed an action that had ended otherwise': {
    log: logOf(...before('succeeded'), { ...(done[0] as NewBody), event: 'action.closed' }),
    actions: [journaled(1, 'succeeded')],
    says: null,
  },
  'the journal begins after an old action': {
    log: logOf(...done, ...actionEntries(2, server, 'succeeded')),
    actions: [journaled(2, 'succeeded', Date.UTC(2026, 10, 1, 0, 9))],
    says: null,
  },
  'the server was enrolled anew since': {
    log: logOf(...done, { event: 'server.enrolled', server, action: null, details: {} }),
    actions: [],
    says: null,
  },
};

for (const [what, { log, actions, says }] of Object.entries(cases))
  test(`T22: when ${what}, that is ${says === null ? 'no contradiction' : 'named'}`, () => {
    const problems = problemsOf(log, statement(server, [], actions, { witness: { at: late } }));
    assert.equal(problems.length, says === null ? 0 : 1, problems.join('; '));
    if (says) assert.match(problems[0] ?? '', says);
  });

test('T22: when a statement is forged, only that is said of it', () => {
  const { log, witnesses } = witnessedLedger(key);
  const [genuine] = witnesses;
  assert.ok(genuine);
  const { witness, own } = genuine;
  const other = makeSigningKey();
  const forged: [SignedWitness, object, RegExp][] = [
    [{ ...genuine, signature: signValue('grant', witness, own.seed) }, {}, /signature of the statement does not fit/],
    [{ ...genuine, witness: { ...witness, at: witness.at + 1 } }, {}, /signature of the statement does not fit/],
    [genuine, { key: other.publicKey }, /another key than the one that is known/],
    [genuine, { server: elsewhere }, /of another server/],
  ];
  for (const [signed, expected, says] of forged) {
    const problems = problemsOf(log, signed, expected);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', says);
  }
  assert.equal(readWitness({ witness, signature: 'no signature' }), null);
  assert.deepEqual(readWitness(JSON.parse(JSON.stringify(genuine)))?.witness, witness);
});

test('T22: when a server has forgotten what it countersigned, or its journal does not verify, that is named', () => {
  const { log, witnesses } = witnessedLedger(key);
  const kept = witnesses[0]?.witness.checkpoints ?? [];
  const newest = kept.at(-1) ?? assert.fail();
  const forgetful = statement(server, kept.slice(0, 2), [journaled(2, 'succeeded'), journaled(4, 'succeeded')]);
  assert.match(
    problemsOf(log, forgetful, { countersigned: newest })[0] ?? '',
    /has forgotten the checkpoint over 26 entries/,
  );
  const broken = statement(server, kept, [journaled(2, 'succeeded'), journaled(4, 'succeeded')], {
    journal: { broken: 'line 7 does not follow line 6' },
  });
  assert.deepEqual(problemsOf(log, broken), ['its journal does not verify: line 7 does not follow line 6']);
});

test('F18: when an owner accepted a loss, what servers kept before says so, and what they kept later does not', () => {
  const head = 'b'.repeat(64);
  const accepted = {
    ...{ event: 'ledger.rollback_accepted', server: null, action: null },
    details: { reason: 'restored', heads: ['c'.repeat(64)] },
  };
  const log = logOf(...done, accepted);
  const at = JSON.parse(log.entries.at(-1)?.body ?? '').at as number;
  const kept = [
    { size: 3, head, at: at - 1 },
    { size: 4, head: 'c'.repeat(64), at: at + day },
    { size: 90, head, at: at + 1 },
  ];
  const lost = { ...journaled(9, 'succeeded', at - 1) };
  const problems = problemsOf(
    log,
    statement(server, kept, [journaled(1, 'succeeded', at - day), lost], { witness: { at: late } }),
  );
  assert.equal(problems.length, 4);
  assert.match(problems[0] ?? '', /entry 3 is another .* \(accepted by an owner on 2026-11-01T/);
  assert.match(
    problems[1] ?? '',
    /entry 4 is another .* \(accepted by/,
    'its clock was ahead, but its head was accepted',
  );
  assert.match(
    problems[2] ?? '',
    /rolled back: it ends at \d+, the server has a checkpoint over 90 entries, kept on [^(]*$/,
  );
  assert.match(problems[3] ?? '', /act_000000000009 ran .* \(accepted by/);
});

test('F18: when all that a server remembers otherwise was accepted, that is neither an agreement nor a contradiction', () => {
  const known = { problem: 'rolled back', accepted: 'accepted by Ada' };
  const open = { problem: 'rewritten', accepted: null };
  assert.deepEqual(
    [[], [known], [known, open]].map((problems) => stateOf(problems)),
    ['agrees', 'accepted', 'contradicts'],
  );
  const verdict = { server: { id: server, name: server }, checkpoints: 1, actions: 0, problems: inWords([known]) };
  const lines = serverVerdictLines({ ...verdict, state: 'accepted' }, (colour, text) => `${colour}: ${text}`);
  assert.match(lines[0] ?? '', /yellow: contradicts the log, as an owner accepted/);
  assert.match(lines[1] ?? '', /rolled back \(accepted by Ada\)/);
});

test('when an export is read for its entries, they are those of the log, and other lines are passed over', async () => {
  const { log, witnesses } = witnessedLedger(key);
  const lines = [
    headerLine({ key: key.publicKey, entries: log.entries.length, head: log.entries.at(-1)?.hash ?? '' }),
    ...log.entries.map(({ body, hash }) => entryLine(body, hash)),
    checkpointLine(log.checkpoints.at(-1)?.note ?? ''),
    'neither',
  ];
  const ledger = new LedgerReading(sizesIn(witnesses));
  for await (const entry of exportedEntries(lines)) ledger.take(entry);
  assert.deepEqual([ledger.entries, ledger.head], [log.entries.length, log.entries.at(-1)?.hash]);
  for (const it of witnesses) assert.deepEqual(compareWitness(ledger, it).problems, []);
});
