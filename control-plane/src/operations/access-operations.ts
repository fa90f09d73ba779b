/** Operations of a signed-in person on their own account, and of owners on the people who work here. */
import { fault, isoTime } from '@countersign/protocol';
import { confirmTotp, startTotp } from '../access/authenticator.ts';
import { invitePerson } from '../access/invite-person.ts';
import { allPeople, personById } from '../access/person.store.ts';
import { removePerson } from '../access/remove-person.ts';
import { setIdeAnswers } from '../access/set-ide-answers.ts';
import { signOut } from '../access/sign-out.ts';
import { personView } from '../access/views.ts';
import type { AmendmentDeps } from '../amendments/make-amendment.ts';
import { othersMustAgree } from '../amendments/propose-amendment.ts';
import type { Handlers } from './handler.ts';

type AccessHandlers = Pick<
  Handlers,
  'signOut' | 'getMe' | 'startTotp' | 'confirmTotp' | 'setIdeAnswers' | 'listPeople' | 'invitePerson' | 'removePerson'
>;

const done = { done: true } as const;

export type AccessOperationsDeps = AmendmentDeps;

export function accessOperations(deps: AccessOperationsDeps): AccessHandlers {
  const view = async (id: string) => {
    const person = await personById(deps.db, id);
    if (person === undefined) throw fault('unauthenticated');
    return personView(person);
  };
  return {
    signOut: async (caller, _input, context) => {
      await signOut(deps, caller);
      context.cookie?.take();
      return done;
    },
    getMe: async (caller) => ({
      person: await view(caller.person.id),
      strength: caller.session?.strength ?? 'session',
    }),
    startTotp: (caller, { proof }) => startTotp(deps, caller, proof),
    confirmTotp: async (caller, { code }) => {
      await confirmTotp(deps, caller, code);
      return done;
    },
    setIdeAnswers: async (caller, input) => {
      await setIdeAnswers(deps, caller, input);
      return done;
    },
    listPeople: async () => ({ people: (await allPeople(deps.db)).map(personView) }),
    invitePerson: async (caller, { proof, ...input }) => {
      await othersMustAgree(deps, caller, { does: 'invite_person', ...input }, proof);
      const { personId, secret, expiresAt } = await invitePerson(deps, caller, input);
      const link = `${deps.place.publicUrl}/invite#${secret}`;
      return { person: await view(personId), link, expires_at: isoTime(expiresAt) };
    },
    removePerson: async (caller, { person, proof }) => {
      await othersMustAgree(deps, caller, { does: 'remove_person', person }, proof);
      await removePerson(deps, caller, person);
      return done;
    },
  };
}
