import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeSigningKey } from '@countersign/protocol/signing';
import { NotOurControlPlane, TurnedAway } from '../../src/link/handshake.ts';
import { linkKey } from '../../src/link/identity.ts';
import { enroll } from '../../src/verbs/enroll.ts';
import { SERVER } from '../run/bed.ts';
import { ControlPlane } from './control-plane.ts';
import { newFolder } from './enrolled.ts';

function given(t: TestContext, controlPlane: ControlPlane) {
  const folder = newFolder();
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    file: join(folder, 'agent.yaml'),
    url: controlPlane.url,
    cpKey: controlPlane.key.publicKey,
    token: controlPlane.behaviour.token,
  };
}

test('when the token is good, the server gets its name, and the key is made here and only its owner can read it', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const { folder, ...options } = given(t, controlPlane);
  assert.deepEqual(await enroll({ ...options, mode: 'act' }), { serverId: SERVER.id, serverName: SERVER.name });
  const key = join(folder, 'link/key.json');
  assert.equal(statSync(key).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'link')).mode & 0o777, 0o700);
  assert.equal(readFileSync(join(folder, 'policy.yaml'), 'utf8').includes('mode: act'), true);
  const [peer] = controlPlane.peers;
  assert.equal(peer?.open?.publicKey, linkKey(join(folder, 'link')).publicKey);
  assert.equal(
    JSON.stringify(peer?.heard).includes(JSON.parse(readFileSync(key, 'utf8')).seed),
    false,
    'the private half stays here',
  );
  assert.equal(peer?.closed?.code, 1000, 'the connection is closed before the link makes its own');
});

test('T2: when the control plane cannot prove that it holds the pinned key, the token is never sent', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const { folder, ...options } = given(t, controlPlane);
  const other = makeSigningKey();
  const impostors = [
    () => enroll({ ...options, cpKey: other.publicKey }),
    () => {
      controlPlane.behaviour.signWith = other;
      return enroll(options);
    },
    () => {
      controlPlane.behaviour.signWith = { publicKey: controlPlane.key.publicKey, seed: other.seed };
      return enroll(options);
    },
  ];
  for (const impostor of impostors) await assert.rejects(impostor, NotOurControlPlane);
  assert.equal(JSON.stringify(controlPlane.peers.map(({ heard }) => heard)).includes(options.token), false);
  assert.equal(existsSync(join(folder, 'link/identity.json')), false);
});

test('when the token is wrong or used, enrolment ends with the reason and leaves no name behind', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const { folder, ...options } = given(t, controlPlane);
  await assert.rejects(
    enroll({ ...options, token: 'cse_somethingelse' }),
    (error) => error instanceof TurnedAway && error.fault.code === 'enrolment_token_invalid',
  );
  assert.equal(existsSync(join(folder, 'link/identity.json')), false);
});

test('when what is given does not fit, each problem is named and nothing is dialled', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const { folder: _, ...options } = given(t, controlPlane);
  await assert.rejects(enroll({ ...options, url: 'http://example.org' }), /https/);
  await assert.rejects(enroll({ ...options, cpKey: 'ed25519:short', tlsPin: 'nothing' }), /control_plane_key.*tls_pin/);
  await assert.rejects(enroll({ ...options, token: 'has blanks in it' }), /malformed/);
  await assert.rejects(enroll({ ...options, token: undefined }), /no enrolment token/);
  assert.equal(controlPlane.peers.length, 0);
});

test('when an agent offers levels that the control plane does not speak, it says so', async (t) => {
  await using controlPlane = await ControlPlane.start();
  const { folder: _, ...options } = given(t, controlPlane);
  controlPlane.behaviour.level = 99;
  await assert.rejects(enroll(options), /level 99 was never offered/);
});
