import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fault } from '@countersign/protocol';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { makePasskey } from '../../../test/world/software-passkey.ts';
import { countWaitingFor } from '../../src/amendments/amendment-view.ts';
import { sweepAmendments } from '../../src/amendments/amendments-on-clock.ts';
import type { Caller } from '../../src/ports.ts';
import { codes } from '../http/refused.ts';
import { type AmendmentWorld, amendmentWorld, type Person, rules } from './amendment-world.ts';

const oneOther = '  - {name: two-people, ask: {others: 1}}\n';
const allowAll = 'format: countersign-policy/1\nrules:\n  - {name: all, allow: true}\n';

async function propose({ ada, current }: AmendmentWorld, yaml = allowAll) {
  const { amendment } = await ada.call('setPolicy', { yaml, before: await current(), proof: ada.proof });
  return amendment;
}
const agree = ({ call, proof }: Person, amendment: string) =>
  call('decideAmendment', { amendment, verdict: 'agree', proof });

const asCaller = ({ id }: Person, role: 'owner' | 'approver' = 'owner') =>
  ({ person: { id, name: '', role } }) as Caller;

test('when no rule matches, policy and roles change at once, with a fresh proof, and each change is on record', async (context) => {
  const world = await amendmentWorld(context, '');
  const { ada, dee, current } = world;
  const amendment = await propose(world);
  assert.deepEqual([amendment.state, amendment.rule, amendment.others_needed], ['made', 'no-rule', 0]);
  assert.match(amendment.diff ?? '', /^\+ {2}- \{name: all, allow: true\}$/m);
  const inForce = await ada.call('changeRole', { person: dee.id, role: 'viewer', proof: ada.proof });
  assert.equal(inForce.amendment.state, 'made');
  assert.equal((await dee.call('getMe', {})).person.role, 'viewer');
  const wrong = { kind: 'password', password: 'no' } as const;
  const before = await current();
  await assert.rejects(ada.call('setPolicy', { yaml: rules(''), before, proof: wrong }), codes('sign_in_failed'));
  assert.deepEqual(
    (await world.events()).map(({ event }) => event),
    ['amendment.proposed', 'amendment.made', 'amendment.proposed', 'amendment.made'],
  );
  const changed = (await world.events('person')).find(({ event }) => event === 'person.role_changed');
  assert.deepEqual(changed?.details, { person: dee.id, name: 'Dee', from: 'approver', to: 'viewer' });
  const file = await readFile(join(world.door.dataDir, 'policy.yaml'), 'utf8');
  assert.equal(file, allowAll);
});

test('T25: when another owner has to agree, nothing changes before, and who asked cannot agree', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { ada, bob, dee, current } = world;
  const before = await current();
  const amendment = await propose(world);
  assert.deepEqual([amendment.state, amendment.others_needed, amendment.agreed], ['proposed', 1, []]);
  assert.equal(await current(), before);
  await assert.rejects(agree(ada, amendment.id), codes('forbidden'));
  await assert.rejects(agree(dee, amendment.id), codes('forbidden'));
  const unproven = bob.call('decideAmendment', { amendment: amendment.id, verdict: 'agree' });
  await assert.rejects(unproven, codes('proof_needed'));
  const wrong = { ...bob, proof: { kind: 'password', password: 'no' } } as const;
  await assert.rejects(agree(wrong, amendment.id), codes('sign_in_failed'));
  assert.equal(await current(), before);
  const made = (await agree(bob, amendment.id)).amendment;
  assert.deepEqual([made.state, made.agreed.map(({ name }) => name)], ['made', ['Bob']]);
  assert.notEqual(await current(), before);
  await assert.rejects(agree(world.cy, amendment.id), codes('amendment_closed'));
  const events = await world.events();
  assert.deepEqual(
    events.map(({ event }) => event),
    ['amendment.proposed', 'amendment.agreed', 'amendment.made'],
  );
  assert.deepEqual([events[2]?.details.by, events[2]?.details.agreed], [ada.id, [bob.id]]);
});

test('T25: when an amendment takes the rule away, it is judged by the rule that it takes away', async (context) => {
  const world = await amendmentWorld(context, '  - {name: three-people, when: {change: [policy]}, ask: {others: 2}}\n');
  const { bob, cy, current } = world;
  const before = await current();
  const amendment = await propose(world, rules(''));
  assert.match(amendment.title, /who has to agree/);
  assert.equal((await agree(bob, amendment.id)).amendment.state, 'proposed');
  assert.equal((await agree(bob, amendment.id)).amendment.agreed.length, 1, 'one person counts once');
  assert.equal(await current(), before);
  assert.equal((await agree(cy, amendment.id)).amendment.state, 'made');
});

test('T25: when the rule was replaced while an amendment waited, it is over, whether the new rule is weaker or stronger', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { ada, bob, dee, current } = world;
  for (const administration of ['', '  - {name: two-people, ask: {others: 1, strength: code}}\n']) {
    const role = (await dee.call('getMe', {})).person.role === 'viewer' ? 'approver' : 'viewer';
    const { amendment } = await ada.call('changeRole', { person: dee.id, role, proof: ada.proof });
    // By hand, on the machine of the control plane.
    await writeFile(join(world.door.dataDir, 'policy.yaml'), rules(administration));
    await assert.rejects(agree(bob, amendment.id), codes('outdated'));
    await assert.rejects(agree(bob, amendment.id), codes('amendment_closed'));
    assert.equal((await dee.call('getMe', {})).person.role, 'approver');
    await world.door.amending.policy.replace(rules(oneOther), await current());
  }
  assert.equal((await world.events('policy')).at(-1)?.event, 'policy.loaded');
});

test('when two want to replace the same rules, the second is told that it is outdated', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { ada, bob, cy, current } = world;
  const first = await propose(world);
  const before = await current();
  const { amendment: second } = await bob.call('setPolicy', { yaml: `${allowAll}# b`, before, proof: bob.proof });
  await agree(cy, first.id);
  await assert.rejects(agree(cy, second.id), codes('outdated'));
  await assert.rejects(ada.call('setPolicy', { yaml: rules(''), before, proof: ada.proof }), codes('outdated'));
});

test('when the rules were replaced by others that ask the same, what was to replace the old ones is over', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { bob, cy } = world;
  const [first, second] = [
    await propose(world, `${rules(oneOther)}# a`),
    await propose(world, `${rules(oneOther)}# b`),
  ];
  await agree(bob, first.id);
  await assert.rejects(agree(cy, second.id), codes('outdated'));
  await assert.rejects(agree(cy, second.id), codes('amendment_closed'));
  assert.match(String((await world.events()).at(-1)?.details.why), /other rules/);
});

test('when a rule asks for a code or a passkey, weaker proofs are refused, of who asks and of who agrees', async (context) => {
  const world = await amendmentWorld(context, '  - {name: strong, ask: {others: 1, strength: passkey}}\n');
  const { ada, bob, door, dee } = world;
  const weak = ada.call('changeRole', { person: dee.id, role: 'viewer', proof: ada.proof });
  await assert.rejects(
    weak,
    (error) => codes('proof_needed')(error) && /a passkey, which you have to set up/.test(String(error)),
  );
  await assert.rejects(
    ada.call('invitePerson', { email: 'e@example.org', name: 'E', role: 'owner' }),
    codes('proof_needed'),
  );
  await assert.rejects(ada.call('removePerson', { person: dee.id }), codes('proof_needed'));
  const strong = async ({ call, proof }: Person) => {
    const passkey = makePasskey({ rpId: 'localhost', origin: door.place.publicUrl });
    const { options } = await call('startPasskey', { proof });
    await call('addPasskey', { name: 'key', response: passkey.register(options) });
    return async (): Promise<Proof> => ({
      kind: 'passkey',
      response: passkey.assert((await call('startProof', {})).options),
    });
  };
  const [adas, bobs] = [await strong(ada), await strong(bob)];
  // A DELETE carries its proof in the body.
  const removal = ada.call('removePerson', { person: dee.id, proof: await adas() });
  const id = /amd_\w{12}/.exec(String(await removal.catch((error: unknown) => error)))?.[0] ?? '';
  await assert.rejects(agree(bob, id), (error) => codes('proof_needed')(error) && /your passkey/.test(String(error)));
  await agree({ ...bob, proof: await bobs() }, id);
  await assert.rejects(dee.call('getMe', {}), codes('unauthenticated'));
});

test('T25: when the rules ask for another owner, nobody makes that owner alone', async (context) => {
  const world = await amendmentWorld(context, '  - {name: four-eyes, when: {change: [policy]}, ask: {others: 1}}\n', [
    'Bob',
    'Dee',
  ]);
  const { bob, dee } = world;
  const mine = { email: 'mine@example.org', name: 'Mine', role: 'owner' } as const;
  await assert.rejects(bob.call('invitePerson', mine), codes('agreement_needed'));
  const raised = await bob.call('changeRole', { person: dee.id, role: 'owner', proof: bob.proof });
  assert.equal(raised.amendment.state, 'proposed');
  await bob.call('invitePerson', { ...mine, role: 'approver' });
});

test('when twenty changes of a person wait, the next is refused until one is withdrawn, and others are not held up', async (context) => {
  const world = await amendmentWorld(context, '  - {name: tokens, when: {change: [token]}, ask: {others: 1}}\n', [
    'Bob',
    'Dee',
  ]);
  const { ada, dee } = world;
  const ask = (n: number, { call } = dee) => call('createToken', { name: `token ${n}` });
  for (let n = 0; n < 20; n += 1) await assert.rejects(ask(n), codes('agreement_needed'));
  await assert.rejects(ask(20), codes('invalid_input'));
  await assert.rejects(ask(19), codes('agreement_needed'), 'the same again is no other one');
  await assert.rejects(ask(20, ada), codes('agreement_needed'));
  const { amendments } = await dee.call('listAmendments', {});
  const own = amendments.find(({ by }) => by.id === dee.id)?.id ?? '';
  assert.equal(amendments.length, 21);
  const adas = amendments.find(({ by }) => by.id === ada.id)?.id ?? '';
  for (const verdict of ['agree', 'decline', 'withdraw'] as const)
    await assert.rejects(
      dee.call('decideAmendment', { amendment: adas, verdict, proof: dee.proof }),
      codes('forbidden'),
      `${verdict}, by an approver`,
    );
  await dee.call('decideAmendment', { amendment: own, verdict: 'withdraw' });
  await assert.rejects(ask(20), codes('agreement_needed'));
});

test('when a person has a passkey, the password alone does not change rules or roles', async (context) => {
  const { ada, bob, door } = await amendmentWorld(context, '', ['Bob']);
  const passkey = makePasskey({ rpId: 'localhost', origin: door.place.publicUrl });
  const { options } = await ada.call('startPasskey', { proof: ada.proof });
  await ada.call('addPasskey', { name: 'key', response: passkey.register(options) });
  const change = (proof: Proof) => ada.call('changeRole', { person: bob.id, role: 'approver', proof });
  await assert.rejects(change(ada.proof), codes('proof_needed'));
  await change({ kind: 'passkey', response: passkey.assert((await ada.call('startProof', {})).options) });
  assert.equal((await bob.call('getMe', {})).person.role, 'approver');
});

test('when two owners agree at the same moment, the change is made once', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { bob, cy, ada, dee } = world;
  const policy = await propose(world);
  const results = await Promise.allSettled([agree(bob, policy.id), agree(cy, policy.id)]);
  assert.ok(results.some(({ status }) => status === 'fulfilled'));
  assert.equal((await world.events()).filter(({ event }) => event === 'amendment.made').length, 1);
  await world.door.amending.policy.replace(rules(oneOther), await world.current());
  const { amendment } = await ada.call('changeRole', { person: dee.id, role: 'owner', proof: ada.proof });
  await Promise.allSettled([agree(bob, amendment.id), agree(cy, amendment.id)]);
  const changes = (await world.events('person')).filter(({ event }) => event === 'person.role_changed');
  assert.equal(changes.length, 1);
});

test('when an amendment is declined, withdrawn or a day old, it is over', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { ada, bob, cy } = world;
  const decide = (person: Person, amendment: string, verdict: 'decline' | 'withdraw') =>
    person.call('decideAmendment', { amendment, verdict });
  const first = await propose(world);
  await assert.rejects(decide(bob, first.id, 'withdraw'), codes('forbidden'));
  const declined = (await decide(bob, first.id, 'decline')).amendment;
  assert.deepEqual([declined.state, declined.declined_by?.name], ['declined', 'Bob']);
  await assert.rejects(agree(cy, first.id), codes('amendment_closed'));
  const second = await propose(world);
  assert.equal((await decide(ada, second.id, 'withdraw')).amendment.state, 'withdrawn');
  const third = await propose(world);
  assert.equal((await propose(world)).id, third.id, 'asked for twice, it is the same one');
  world.door.clock.forward(24 * 3_600_000 + 1);
  assert.equal(
    (await ada.call('listAmendments', {})).amendments.some(({ id }) => id === third.id),
    false,
  );
  await assert.rejects(agree(cy, third.id), codes('amendment_closed'));
  const fourth = await propose(world);
  world.door.clock.forward(24 * 3_600_000 + 1);
  await sweepAmendments(world.door.amending);
  await assert.rejects(agree(cy, fourth.id), codes('amendment_closed'));
  await assert.rejects(agree(cy, 'amd_000000000000'), codes('not_found'));
  const states = (await ada.call('listAmendments', {})).amendments.map(({ state }) => state).toSorted();
  assert.deepEqual(states, ['declined', 'expired', 'expired', 'withdrawn']);
});

test('when there are too few owners, asking says so at once and nothing waits', async (context) => {
  const world = await amendmentWorld(context, oneOther, ['Dee']);
  const { ada, dee, current } = world;
  const asked = ada.call('setPolicy', { yaml: allowAll, before: await current(), proof: ada.proof });
  await assert.rejects(
    asked,
    (error) => codes('nobody_else')(error) && /two-people.*1 other.*are 0/.test(String(error)),
  );
  assert.equal((await ada.call('listAmendments', {})).amendments.length, 0);
  // Somebody who is no owner counts the owners whole.
  await assert.rejects(dee.call('createToken', { name: 'x' }), codes('agreement_needed'));
});

test('when a token or an invitation needs others, who asked collects it once they agreed, and its secret shows once', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { ada, bob, dee, door } = world;
  const waiting = async (person: Person, role?: 'approver') =>
    countWaitingFor(door.db, asCaller(person, role), door.clock.now());
  const idOf = (error: unknown) => /amd_\w{12}/.exec(String(error))?.[0] ?? '';
  const refused = async (asked: Promise<unknown>) => {
    const error: unknown = await asked.then(
      () => assert.fail('it was made'),
      (cause: unknown) => cause,
    );
    assert.ok(error instanceof Fault && error.code === 'agreement_needed', String(error));
    return idOf(error);
  };
  const ofDee = await refused(dee.call('createToken', { name: 'Claude', scope: 'request' }));
  assert.equal(await refused(dee.call('createToken', { name: 'Claude', scope: 'request' })), ofDee);
  assert.equal((await dee.call('listTokens', {})).tokens.length, 0);
  await assert.rejects(dee.call('collectAmendment', { amendment: ofDee }), codes('agreement_needed'));
  assert.deepEqual([await waiting(bob), await waiting(dee, 'approver')], [1, 0]);
  assert.equal((await agree(bob, ofDee)).amendment.state, 'proposed');
  assert.deepEqual([await waiting(bob), await waiting(dee, 'approver')], [0, 1]);
  await assert.rejects(ada.call('collectAmendment', { amendment: ofDee }), codes('not_found'));
  const { secret, link, amendment } = await dee.call('collectAmendment', { amendment: ofDee });
  assert.deepEqual([amendment.state, link], ['made', null]);
  assert.equal(
    (await door
      .call(secret ?? '')('getMe', {})
      .catch((error: Fault) => error.code)) as string,
    'forbidden',
  );
  await assert.rejects(dee.call('collectAmendment', { amendment: ofDee }), codes('amendment_closed'));

  const invited = { email: 'eve@example.org', name: 'Eve', role: 'owner' } as const;
  const eve = await refused(ada.call('invitePerson', invited));
  await agree(bob, eve);
  const collected = await ada.call('collectAmendment', { amendment: eve });
  assert.match(collected.link ?? '', /^http:\/\/localhost:\d+\/invite#csi_/);
  const removal = await refused(ada.call('removePerson', { person: dee.id }));
  assert.ok(await dee.call('getMe', {}));
  assert.equal((await agree(bob, removal)).amendment.state, 'made');
  await assert.rejects(dee.call('getMe', {}), codes('unauthenticated'));
  // What gives nobody any power waits for nobody.
  await ada.call('createToken', { name: 'reader', scope: 'read' });
  await ada.call('invitePerson', { email: 'v@example.org', name: 'V', role: 'viewer' });
});

test('when who agreed, or who asked, is no owner any more by then, it does not count', async (context) => {
  const world = await amendmentWorld(context, '  - {name: three, when: {change: [policy]}, ask: {others: 2}}\n');
  const { ada, bob, cy } = world;
  const amendment = await propose(world);
  await agree(bob, amendment.id);
  await ada.call('changeRole', { person: bob.id, role: 'viewer', proof: ada.proof });
  assert.equal((await agree(cy, amendment.id)).amendment.state, 'proposed');
  await cy.call('changeRole', { person: ada.id, role: 'viewer', proof: cy.proof });
  await assert.rejects(agree(cy, amendment.id), codes('outdated'));
});

test('when a role would leave nobody who owns, or changes nothing, it is refused', async (context) => {
  const { ada, bob } = await amendmentWorld(context, '', ['Bob']);
  const change = (by: Person, person: string, role: 'viewer' | 'owner') =>
    by.call('changeRole', { person, role, proof: by.proof });
  await assert.rejects(change(ada, bob.id, 'owner'), codes('invalid_input'));
  await assert.rejects(change(ada, 'prs_000000000000', 'owner'), codes('not_found'));
  await change(ada, bob.id, 'viewer');
  await assert.rejects(change(ada, ada.id, 'viewer'), codes('forbidden'));
  assert.equal((await ada.call('getMe', {})).person.role, 'owner');
  assert.ok((await ada.call('listAmendments', {})).amendments.every(({ state }) => state === 'made'));
});

test('when new rules do not parse, or are those in force, nothing changes and each problem is named', async (context) => {
  const world = await amendmentWorld(context, '');
  const { ada, current } = world;
  const before = await current();
  const set = (yaml: string) => ada.call('setPolicy', { yaml, before, proof: ada.proof });
  await assert.rejects(set('format: countersign-policy/1\nrules: [{name: a, allow: maybe}]'), /line 2, column \d+/);
  const twice = '  - {name: a, ask: {others: 1}}\n  - {name: a, ask: {others: 4}}\n';
  await assert.rejects(set(rules(twice)), /administration/);
  await assert.rejects(set(rules('')), codes('invalid_input'));
  assert.equal(await current(), before);
});

test('when a crash comes after enough owners agreed, the sweep finishes it', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { bob, door, ada } = world;
  const state = async () => (await ada.call('listAmendments', {})).amendments[0]?.state;
  const first = await propose(world);
  await sweepAmendments(door.amending);
  assert.equal(await state(), 'proposed', 'nobody agreed yet');
  const agreed = (amendment_id: string) =>
    door.db.insertInto('amendment_vote').values({ amendment_id, person_id: bob.id, at: 1 }).execute();
  await agreed(first.id);
  await sweepAmendments(door.amending);
  assert.equal(await state(), 'made');
  assert.equal((await door.amending.policy.current()).yaml, allowAll);
});

test('when a crash comes between the file and the record, the sweep finds that the rules are in force', async (context) => {
  const world = await amendmentWorld(context, oneOther);
  const { bob, current, door, ada } = world;
  const amendment = await propose(world, `${allowAll}administration:\n${oneOther}`);
  await door.amending.policy.replace(`${allowAll}administration:\n${oneOther}`, await current());
  await door.db.insertInto('amendment_vote').values({ amendment_id: amendment.id, person_id: bob.id, at: 1 }).execute();
  await sweepAmendments(door.amending);
  assert.equal((await ada.call('listAmendments', {})).amendments[0]?.state, 'made');
});
