/** What passes the fail points of the control plane that no ordinary command passes, by the beginning of their names. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asFile } from '@countersign/control-plane/policy/policy-book';
import { Fault } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { projectFolder } from '../world/places.ts';
import { makePasskey, type SoftwarePasskey } from '../world/software-passkey.ts';
import type { World } from '../world/world.ts';
import { type KillCycles, type Life, type Place, whileAlive } from './kills.ts';
import { enrolBox, firstLock, type LockedBox, nextChange, Part } from './locked-box.ts';
import type { Requests } from './requests.ts';

export type Works = Readonly<Record<string, (life: Life) => Promise<unknown>>>;

/** Sessions, tokens, passkeys, rules and the lock. Each first looks whether what was acknowledged before is still so. */
export async function trustWorks(world: World): Promise<Works> {
  const { owner, email, password } = world;
  const proof = { kind: 'password', password } as const;
  const anybody = operatorClient({ base: world.url, fetch });
  const passkey = await passkeyOf(world);
  /** Sessions and tokens that somebody was told, sessions that were ended, answers that were used. */
  const told = {
    secrets: [] as string[],
    ended: [] as string[],
    used: [] as Record<string, unknown>[],
    yaml: '',
    made: 0,
  };
  const still = async () => {
    for (const secret of told.secrets.splice(0)) await world.as(secret)('listServers', {});
    for (const secret of told.ended.splice(0)) await assert.rejects(world.as(secret)('listServers', {}), refused);
    for (const response of told.used.splice(0))
      await assert.rejects(anybody('signInWithPasskey', { response: response as never }), refused);
  };
  const signIn = async () => (await anybody('signIn', { email, password, cli: true })).session ?? '';
  return {
    'access.sign_in': async () => {
      await still();
      told.secrets.push(await signIn());
    },
    'access.sign_out': async () => {
      await still();
      const session = await signIn();
      await world.as(session)('signOut', {});
      told.ended.push(session);
    },
    'access.create_token': async () => {
      await still();
      told.secrets.push((await owner('createToken', { name: 'another', scope: 'read' })).secret);
    },
    'access.': async () => {
      await still();
      const { options } = await anybody('startPasskeySignIn', {});
      const response = passkey.assert(options);
      // Whether the answer was used up before the death or not, it may not be given twice.
      const signedIn = anybody('signInWithPasskey', { response: response as never });
      await signedIn.finally(() => told.used.push(response));
    },
    'amendments.': () => replaceRules(world, told),
    'policy.': () => replaceRules(world, told),
    'lock.init': () => owner('initLock', { state: firstLock, proof }),
    'lock.change': () => changeLock(world),
    'fleet.lock_changes': () => changeLock(world),
    'fleet.keep_policy': () => changeLock(world),
    'actions.pause': () => owner('pauseDispatch', {}),
    'actions.resume': async () => {
      await owner('pauseDispatch', {});
      await owner('resumeDispatch', { proof });
    },
  };
}

const refused = (error: unknown) => error instanceof Fault;

/** Another policy each time. Afterwards it is whole: the file, the rules in force and the amendment say the same. */
async function replaceRules({ owner, password }: World, told: { yaml: string; made: number }): Promise<void> {
  const { yaml } = await owner('getPolicy', {});
  const { amendments } = await owner('listAmendments', {});
  const made = amendments.filter(({ state }) => state === 'made').length;
  if (told.yaml !== '' && yaml === asFile(told.yaml))
    assert.ok(made > told.made, 'rules are in force of which no amendment says that it was made');
  told.made = made;
  const [rules] = yaml.split('# run');
  told.yaml = `${rules?.trimEnd()}\n# run ${amendments.length}\n`;
  await owner('setPolicy', { yaml: told.yaml, before: sha256(yaml), proof: { kind: 'password', password } });
}

async function changeLock({ owner, password }: World): Promise<void> {
  const { state } = await owner('getLock', {});
  if (state === null) {
    await owner('initLock', { state: firstLock, proof: { kind: 'password', password } });
    return changeLock({ owner, password } as World);
  }
  await owner('changeLock', { change: nextChange(state) });
}

/** Servers, their files, the log and its checkpoints. */
export async function fleetWorks(world: World, box: LockedBox, requests: Requests): Promise<Works> {
  const { owner } = world;
  const hasty = world.as((await owner('createToken', { name: 'hasty', scope: 'request' })).secret);
  let made = 0;
  return {
    'actions.record_started': (life) => requests.runLonger(life),
    'actions.record_step': (life) => requests.runLonger(life),
    'actions.record_refused': (life) => requests.drift(life),
    'actions.stop': (life) => requests.stop(life),
    'actions.confirm': (life) => requests.confirm(life),
    'actions.expire': async (life) => {
      const { actions: waiting } = await owner('listActions', { state: 'awaiting_approval' });
      const soonOver = waiting.filter(({ requested_by }) => requested_by.token?.name === 'hasty');
      // Asked for together, so that those that are left expire at once in the next life.
      for (let more = soonOver.length === 0 ? 6 : 0; more > 0; more -= 1) {
        made += 1;
        await hasty('runCommand', { server: box.name, argv: ['true', `${made}`], timeout_s: 5 });
      }
      await whileAlive(life, 'the expiry', async () => false);
    },
    'fleet.enrol': () => enrolAnother(world),
    'fleet.keep_hello': () => enrolAnother(world),
    'audit.checkpoint': () => world.halt('SIGTERM'),
    'audit.note_stopped': () => world.halt('SIGTERM'),
    'fleet.witnesses': async (life) => whileAlive(life, 'a countersignature', async () => false),
  };
}

async function enrolAnother(world: World): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-another-'));
  try {
    const { servers } = await world.owner('listServers', {});
    await enrolBox(world, `another-${servers.length}`, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A backup is a program of its own: it is killed, and the next one is whole. */
export async function killBackup(world: World, { name }: Place, cycles: KillCycles): Promise<void> {
  const program = join(projectFolder, 'control-plane/src/cli/main.ts');
  const file = join(world.dataDir, 'copy.db');
  const backup = new Part([program, 'backup', file], /never/, { COUNTERSIGN_DATA: world.dataDir });
  await rm(file, { force: true });
  await cycles.runAlone(backup, name);
  await rm(file, { force: true });
  await backup.start(null);
  assert.equal(await backup.ended, 0, backup.printed);
}

async function passkeyOf(world: World): Promise<SoftwarePasskey> {
  const email = 'grace@example.org';
  const { link } = await world.owner('invitePerson', { email, name: 'Grace', role: 'approver' });
  const anybody = operatorClient({ base: world.url, fetch });
  const { password } = world;
  await anybody('acceptInvitation', { secret: link.split('#')[1] ?? '', password });
  const { session } = await anybody('signIn', { email, password, cli: true });
  const call = world.as(session ?? '');
  const passkey = makePasskey({ rpId: 'localhost', origin: world.url });
  const { options } = await call('startPasskey', { proof: { kind: 'password', password } });
  await call('addPasskey', { name: 'phone', response: passkey.register(options) });
  return passkey;
}
