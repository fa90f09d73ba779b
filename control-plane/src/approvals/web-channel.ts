/** The dashboard as a way to ask: its inbox shows what waits, and open pages are told by the live stream. */
import { keysOf } from '../access/passkey.store.ts';
import { actionById } from '../actions/action.store.ts';
import { policyOf } from '../actions/stored-policy.ts';
import type { ApprovalChannel, Core } from '../ports.ts';
import { peopleWhoDecide } from './decider.store.ts';

/** It reaches somebody when a person with a suitable role can sign in, strongly enough for what policy asks. */
export function webChannel({ db }: Pick<Core, 'db'>): ApprovalChannel {
  // Open pages hear of every change by the live stream, and the inbox is a list of what waits: there are no copies to edit.
  const nothingToEdit = () => Promise.resolve();
  return {
    name: 'web',
    keepsCopies: false,
    announce: nothingToEdit,
    update: nothingToEdit,
    async canReach(actionId) {
      const row = await actionById(db, actionId);
      if (!row) return false;
      const { ask } = policyOf(row);
      const people = await peopleWhoDecide(db, ask.from);
      if (ask.strength !== 'code' && ask.strength !== 'passkey') return people.length > 0;
      if (ask.strength === 'code' && people.some((person) => person.totp_confirmed === 1)) return true;
      return (await Promise.all(people.map(({ id }) => keysOf(db, id)))).some((keys) => keys.length > 0);
    },
  };
}
