/** What a change would do, in our words; refused when it could not be made as things are now. */
import { fault, shorten, stripControl } from '@countersign/protocol';
import { unifiedDiff } from '@countersign/protocol/unified-diff';
import { mustNotWorkHere } from '../access/invite-person.ts';
import { personById } from '../access/person.store.ts';
import { asFile, mustBePolicy, type PolicyBook, policyMoved } from '../policy/policy-book.ts';
import type { Caller } from '../ports.ts';
import type { Db } from '../storage/database.ts';
import type { Change } from './change.ts';

/** Rejects with `invalid_input`, `not_found` or `outdated`. */
export async function describeChange(
  { db, policy }: { readonly db: Db; readonly policy: PolicyBook },
  caller: Caller,
  change: Change,
): Promise<{ title: string; diff: string | null }> {
  switch (change.does) {
    case 'set_policy':
      return describePolicy(policy, change);
    case 'change_role': {
      const { name, role } = await somebody(db, change.person);
      if (role === change.role)
        throw fault('invalid_input', { problems: `role: ${name} is ${withArticle(role)} already` });
      return { title: clean(`Make ${name} ${withArticle(change.role)}; now ${withArticle(role)}`), diff: null };
    }
    case 'invite_person':
      await mustNotWorkHere(db, change.email);
      return { title: clean(`Invite ${change.name} (${change.email}) as ${withArticle(change.role)}`), diff: null };
    case 'remove_person': {
      const { name, email, role } = await somebody(db, change.person);
      return { title: clean(`Remove ${name} (${email}), ${withArticle(role)}`), diff: null };
    }
    case 'create_token': {
      const may = change.scope === 'request' ? 'read and ask for changes' : 'read';
      return { title: clean(`Make a token “${change.name}” for ${caller.person.name}, which may ${may}`), diff: null };
    }
  }
}

async function describePolicy(policy: PolicyBook, { yaml, before }: Extract<Change, { does: 'set_policy' }>) {
  const inForce = await policy.current();
  if (inForce.sha256 !== before) throw policyMoved();
  const next = mustBePolicy(yaml);
  const diff = unifiedDiff('policy.yaml', inForce.yaml, asFile(yaml));
  if (diff === '') throw fault('invalid_input', { problems: 'yaml: these are the rules in force' });
  const administers = JSON.stringify(next.administration ?? []) !== JSON.stringify(inForce.policy.administration ?? []);
  const count = `${next.rules.length} ${next.rules.length === 1 ? 'rule' : 'rules'}`;
  return {
    title: `Replace the policy (${count}${administers ? '; also who has to agree to such changes' : ''})`,
    diff,
  };
}

async function somebody(db: Db, id: string) {
  const person = await personById(db, id);
  if (person === undefined) throw fault('not_found', { what: 'person', id });
  return person;
}

const withArticle = (role: string) => (role === 'viewer' ? 'a viewer' : `an ${role}`);
const clean = (title: string) => shorten(stripControl(title), 300);
