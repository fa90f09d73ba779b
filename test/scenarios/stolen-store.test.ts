/** What a thief of the database or of a backup reads. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { makeSigningKey } from '@countersign/protocol/signing';
import { systemIds } from '@countersign/protocol/system-ids';
import * as OTPAuth from 'otpauth';
import { pairTelegram } from '../world/approvers.ts';
import { node, projectFolder } from '../world/places.ts';
import { makePasskey } from '../world/software-passkey.ts';
import { startWorld, type World } from '../world/world.ts';

/** Everything that the product gave out or was told in this run and that opens something. */
type Secrets = Map<string, string>;

/** Calls as a browser does; keeps the cookie that it is given. */
async function browse(world: World, name: 'signIn' | 'signInWithPasskey', input: Record<string, unknown>) {
  let cookie = '';
  const keeping: typeof fetch = async (url, init) => {
    const answer = await fetch(url, init);
    cookie = answer.headers.getSetCookie()[0]?.split(';')[0]?.split('=')[1] ?? '';
    return answer;
  };
  await operatorClient({ base: world.url, fetch: keeping })(name, input as never);
  assert.match(cookie, /^csw_/);
  return cookie;
}

async function useEverything(world: World): Promise<Secrets> {
  const { owner, email, password } = world;
  const proof = { kind: 'password', password } as const;
  const given: Secrets = new Map([
    ['password', password],
    ['session of the command line', world.ownerSession],
    ['token of the Telegram bot', world.twin?.token ?? ''],
    ['cookie of a session', await browse(world, 'signIn', { email, password })],
    ['token', await world.token()],
  ]);
  const telegram = await pairTelegram(world);
  assert.ok(telegram);
  given.set('code of a Telegram link', (await owner('startTelegramLink', { password })).code);
  const invited = await owner('invitePerson', { email: 'bob@example.org', name: 'Bob', role: 'approver' });
  given.set('invitation', invited.link.split('#')[1] ?? '');
  const open = await owner('invitePerson', { email: 'eve@example.org', name: 'Eve', role: 'viewer' });
  given.set('invitation that nobody took', open.link.split('#')[1] ?? '');
  given.set('password of Bob', 'the password of Bob 1');
  const bob = await world.as('')('acceptInvitation', {
    ...{ secret: given.get('invitation') ?? '', password: given.get('password of Bob') ?? '', cli: true },
  });
  given.set('session of Bob', bob.session ?? '');
  given.set('enrolment token', (await owner('addServer', { name: 'web-1' })).enrolment_token);
  given.set('enrolment token, renewed', (await owner('renewEnrolment', { server: 'web-1' })).enrolment_token);
  given.set('secret of a webhook', (await owner('createHook', { name: 'alerts', kind: 'alertmanager' })).secret);
  given.set('a password that was wrong', 'nearly the right password');
  await assert.rejects(world.as('')('signIn', { email, password: 'nearly the right password', cli: true }));

  const passkey = makePasskey({ rpId: 'localhost', origin: world.url });
  const { options } = await owner('startPasskey', { proof });
  await owner('addPasskey', { name: 'phone', response: passkey.register(options) });
  const start = await world.as('')('startPasskeySignIn', {});
  const response = passkey.assert(start.options);
  given.set('cookie of a passkey', await browse(world, 'signInWithPasskey', { response }));

  const recovery = randomBytes(32).toString('base64url');
  given.set('recovery secret of the lock', recovery);
  const asked = await owner('startProof', {});
  const fresh = { kind: 'passkey', response: passkey.assert(asked.options) } as const;
  await owner('initLock', { state: lockOf(passkey.key, world.url, recovery), proof: fresh });

  const totp = await owner('startTotp', {});
  given.set('seed of the authenticator app', totp.secret);
  const code = new OTPAuth.TOTP({ secret: OTPAuth.Secret.fromBase32(totp.secret) }).generate();
  await owner('confirmTotp', { code });
  return given;
}

function lockOf(passkey: string, origin: string, recovery: string) {
  return {
    format: 'countersign-lock/1' as const,
    chain: systemIds.id('lck'),
    number: 0,
    keys: [
      { key: passkey, holder: 'ada' },
      { key: makeSigningKey().publicKey, holder: 'bob' },
    ],
    signatures: { low: 1, medium: 1, high: 1, critical: 1, change: 1 },
    party: { id: 'localhost', origins: [origin] },
    recovery: createHash('sha256').update(recovery).digest('hex'),
    disabled: false,
  };
}

/** The forms in which a secret could stand somewhere. */
function forms(name: string, secret: string): Buffer[] {
  const plain = Buffer.from(secret);
  const bytes = [plain, Buffer.from(plain.toString('base64')), Buffer.from(plain.toString('hex'))];
  if (name.startsWith('seed'))
    bytes.push(
      Buffer.from(OTPAuth.Secret.fromBase32(secret).bytes),
      Buffer.from(OTPAuth.Secret.fromBase32(secret).hex),
    );
  // Without its prefix, in case somebody stores the two apart.
  if (/^cs[a-z]_/.test(secret)) bytes.push(Buffer.from(secret.slice(4)));
  return bytes;
}

test('T24: when the database, a backup of it and the log are read by a thief, no secret that was ever given out stands in them', async () => {
  await using world = await startWorld({ telegram: true });
  const setupSecret = /setup#(csu_[\w-]+)/.exec(world.log())?.[1] ?? '';
  const given = await useEverything(world);
  given.set('setup link', setupSecret);
  for (const [name, secret] of given) assert.ok(secret.length >= 8, `${name} was not given out`);

  const backup = join(world.dataDir, 'stolen.db');
  const cli = join(projectFolder, 'control-plane/src/cli/main.ts');
  const env = { PATH: process.env.PATH, HOME: world.dataDir, COUNTERSIGN_DATA: world.dataDir, NO_COLOR: '1' };
  await promisify(execFile)(node, [cli, 'backup', backup], { env });

  const names = (await readdir(world.dataDir)).filter((name) => /\.db(-wal)?$/.test(name));
  assert.deepEqual(names.toSorted(), ['countersign.db', 'countersign.db-wal', 'stolen.db']);
  const seen = new Map<string, Buffer>();
  for (const name of names) seen.set(name, await readFile(join(world.dataDir, name)));
  // What is printed at the first start has to show the setup link; nothing else shows there.
  seen.set('log', Buffer.from(world.log().replaceAll(setupSecret, '')));
  // The keys are kept apart from the database on purpose.
  for (const name of ['control-plane.key', 'seal.key'])
    given.set(name, (await readFile(join(world.dataDir, 'keys', name), 'utf8')).trim());

  const found: string[] = [];
  for (const [where, bytes] of seen)
    for (const [name, secret] of given)
      if (forms(name, secret).some((form) => bytes.includes(form))) found.push(`${name} in ${where}`);
  assert.deepEqual(found, []);
  // The search itself finds what does stand there.
  assert.ok(seen.get('stolen.db')?.includes('bob@example.org'));
});
