/** A door with three owners and an approver, and a policy that says who has to agree to what. */
import type { TestContext } from 'node:test';
import type { Call, Proof, Role } from '@countersign/protocol/operator-api/index';
import { type Door, openDoor, owner, ownerSession } from '../http/door.ts';

export const rules = (administration: string) =>
  `format: countersign-policy/1\nrules: []\n${administration === '' ? '' : `administration:\n${administration}`}`;

export interface Person {
  readonly id: string;
  readonly call: Call;
  readonly proof: Proof;
}

export type AmendmentWorld = Awaited<ReturnType<typeof amendmentWorld>>;

/** Ada, Bob and Cy are owners, Dee is an approver. `administration` goes into policy.yaml after they are there. */
export async function amendmentWorld(context: TestContext, administration: string, people = ['Bob', 'Cy', 'Dee']) {
  const door = await openDoor(context, { policy: rules('') });
  const call = door.call(await ownerSession(door));
  const ada: Person = {
    id: (await call('getMe', {})).person.id,
    call,
    proof: { kind: 'password', password: owner.password },
  };
  const made = new Map<string, Person>();
  for (const name of people) made.set(name, await join(door, ada, name, name === 'Dee' ? 'approver' : 'owner'));
  const get = (name: string): Person => {
    const person = made.get(name);
    if (!person) throw new Error(`${name} is not there`);
    return person;
  };
  const current = async () => (await door.amending.policy.current()).sha256;
  await door.amending.policy.replace(rules(administration), await current());
  return {
    ...{ door, ada, current },
    get bob() {
      return get('Bob');
    },
    get cy() {
      return get('Cy');
    },
    get dee() {
      return get('Dee');
    },
    events: async (kind = 'amendment') =>
      (
        await door.db
          .selectFrom('audit_entry')
          .select(['event', 'body'])
          .where('event', 'like', `${kind}.%`)
          .orderBy('seq')
          .execute()
      ).map(({ event, body }) => ({
        event,
        details: (JSON.parse(body) as { details: Record<string, unknown> }).details,
      })),
  };
}

async function join(door: Door, ada: Person, name: string, role: Role): Promise<Person> {
  const email = `${name.toLowerCase()}@example.org`;
  const { link, person } = await ada.call('invitePerson', { email, name, role });
  const password = `the password of ${name}`;
  const secret = link.split('#')[1] ?? '';
  const { session } = await door.call()('acceptInvitation', { secret, password, cli: true });
  return { id: person.id, call: door.call(session ?? ''), proof: { kind: 'password', password } };
}
