/**
 * Begins a change of policy, roles, people or tokens. The rule in force says how strong the proof must be and how many other
 * owners have to agree; when none has to, the change is made at once.
 */
import { fault, isoTime } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { Proof } from '@countersign/protocol/operator-api/index';
import { countOwners, personById } from '../access/person.store.ts';
import { proofMissing, proveLately } from '../access/prove.ts';
import { appendEntry, whoOf } from '../audit/ledger.ts';
import { type AdministrationAsk, askForChange } from '../policy/administration.ts';
import { asFile } from '../policy/policy-book.ts';
import type { Caller } from '../ports.ts';
import type { Trx } from '../storage/database.ts';
import { write } from '../storage/write.ts';
import { type Amendment, insertAmendment, openAmendmentLike, openAmendments } from './amendment.store.ts';
import { type Change, isHarmless, keep, kindOf, makesOwner } from './change.ts';
import { describeChange } from './describe-change.ts';
import { type AmendmentDeps, makeChange } from './make-amendment.ts';
import { putInForce } from './put-in-force.ts';

const WAITS_MS = 24 * 3_600_000;
/** Of one person. Each page that is open looks at all that wait. */
const WAITING_MOST = 20;

/**
 * A change of policy or of a role: always on record as an amendment, made at once or waiting. Asked for again, it is the same one.
 * Rejects with `proof_needed`, `nobody_else`, and as the change itself does.
 */
export async function proposeAmendment(
  deps: AmendmentDeps,
  caller: Caller,
  change: Extract<Change, { does: 'set_policy' | 'change_role' }>,
  proof: Proof,
): Promise<Amendment> {
  const ask = await provenRule(deps, caller, change, proof);
  if (ask.others > 0) return askOthers(deps, caller, change, ask);
  const row = await newRow(deps, caller, change, ask);
  if (change.does === 'change_role')
    await write(deps.db, async (trx) => {
      await insert(trx, caller, row, change);
      await makeChange(trx, deps, caller, row);
    });
  else {
    await write(deps.db, 'amendments.propose', (trx) => insert(trx, caller, row, change));
    await putInForce(deps, whoOf(caller), row, change);
  }
  return row;
}

/**
 * Comes before a person is invited or removed, or a token made: resolves when nobody else has to agree. Else the change waits as
 * an amendment and this rejects with `agreement_needed`; with `proof_needed` or `nobody_else` nothing waits either.
 */
export async function othersMustAgree(
  deps: AmendmentDeps,
  caller: Caller,
  change: Exclude<Change, { does: 'set_policy' | 'change_role' }>,
  proof: Proof | undefined,
): Promise<void> {
  if (isHarmless(change)) return;
  const ask = await provenRule(deps, caller, change, proof);
  if (ask.others === 0) return;
  const { id } = await askOthers(deps, caller, change, ask);
  throw fault('agreement_needed', { rule: ask.rule, needed: ask.others, amendment: id });
}

/** The rule for a change, once the caller has given the proof that it asks for. */
async function provenRule(deps: AmendmentDeps, caller: Caller, change: Change, proof: Proof | undefined) {
  const { policy } = await deps.policy.current();
  const ask = askForChange(policy, kindOf(change), { makesOwner: makesOwner(change) });
  if (ask.strength === 'best') await proveLately(deps, caller, proof);
  else if (proof !== undefined) await deps.prove(caller, proof, ask.strength);
  else if (ask.strength !== 'session') await proofMissing(deps, caller.person.id, ask.strength);
  return ask;
}

async function askOthers(deps: AmendmentDeps, caller: Caller, change: Change, ask: AdministrationAsk) {
  const row = await newRow(deps, caller, change, ask);
  return write(deps.db, async (trx) => {
    const before = await openAmendmentLike(trx, row, row.at);
    if (before !== undefined) return before;
    const waiting = (await openAmendments(trx)).filter(
      (it) => it.by_person === row.by_person && it.expires_at > row.at,
    );
    if (waiting.length >= WAITING_MOST)
      throw fault('invalid_input', {
        problems: `${waiting.length} changes of yours wait for others: withdraw some first`,
      });
    const self = await personById(trx, caller.person.id);
    const others = (await countOwners(trx)) - (self?.role === 'owner' ? 1 : 0);
    if (others < ask.others) throw fault('nobody_else', { rule: ask.rule, needed: ask.others, others });
    await insert(trx, caller, row, change);
    return row;
  });
}

async function newRow(deps: AmendmentDeps, caller: Caller, change: Change, ask: AdministrationAsk): Promise<Amendment> {
  const { title, diff } = await describeChange(deps, caller, change);
  const at = deps.clock.now();
  return {
    ...{ id: deps.ids.id('amd'), by_person: caller.person.id, state: 'proposed', kind: kindOf(change), title, diff },
    ...{ change_json: keep(change, ask.strength), rule: ask.rule, others_needed: ask.others },
    ...{ at, expires_at: at + WAITS_MS, ended_at: null, declined_by: null },
  };
}

async function insert(trx: Trx, caller: Caller, row: Amendment, change: Change): Promise<void> {
  await insertAmendment(trx, row);
  await appendEntry(trx, {
    event: 'amendment.proposed',
    at: row.at,
    who: whoOf(caller),
    details: {
      ...{ amendment: row.id, kind: row.kind, title: row.title, rule: row.rule, others_needed: row.others_needed },
      expires_at: isoTime(row.expires_at),
      ...(change.does === 'set_policy' && { sha256: sha256(asFile(change.yaml)), before: change.before }),
    },
  });
}
