/** Who asked cannot approve with the same credential, so a second session of the same person decides. */
import type { World } from '../world/world.ts';

const sessions = new WeakMap<World, string>();

export async function secondSession(world: World): Promise<string> {
  const known = sessions.get(world);
  if (known !== undefined) return known;
  const { session } = await world.as('')('signIn', { email: world.email, password: world.password, cli: true });
  if (session === null || session === undefined) throw new Error('signing in gave no session');
  sessions.set(world, session);
  return session;
}
