/**
 * The lock from end to end, on a real server: made on a person's machine, pinned at the installation, and from then on the
 * server runs what enough holders signed, and nothing else; changed, followed, and ended at last with its recovery secret.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import type { Call } from '@countersign/protocol/operator-api/index';
import { bootHost, type Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { pairTelegram, type TelegramApprover } from '../world/approvers.ts';
import { type Assistant, connectAssistant } from '../world/assistants.ts';
import { type CommandLine, commandLine } from '../world/command-line.ts';
import { eventually } from '../world/eventually.ts';
import { installAgent } from '../world/install-agent.ts';
import { makePasskey, type SoftwarePasskey } from '../world/software-passkey.ts';
import { startWorld, type World } from '../world/world.ts';
import { SITE_FILE, siteStatus } from './broken-site.ts';

const NAME = 'ops.example.test';

let host: Host;
let world: World;
let telegram: TelegramApprover;
let assistant: Assistant;
let ada: CommandLine;
let adaPhone: SoftwarePasskey;
let gracePhone: SoftwarePasskey;
let grace: Call;
let recovery: string;

before(async () => {
  if (whyNoHosts()) return;
  host = await bootHost({ name: 'vault' });
  await host.exec(['sh', '-c', `echo '${host.gateway} ${NAME}' >>/etc/hosts`]);
  world = await startWorld({ host: host.gateway, name: NAME, telegram: true });
  telegram = await pairTelegram(world);
  assistant = await connectAssistant('v2', { url: world.url, token: await world.token() });
  ada = await commandLine(world);
});

after(async () => {
  await ada?.[Symbol.asyncDispose]();
  await assistant?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  await host?.[Symbol.asyncDispose]();
});

/** Adds a passkey to somebody's account, as their browser does. */
async function addPasskey(call: Call, name: string, password: string): Promise<SoftwarePasskey> {
  const passkey = makePasskey({ rpId: NAME, origin: world.publicUrl });
  const { options } = await call('startPasskey', { proof: { kind: 'password', password } });
  await call('addPasskey', { name, response: passkey.register(options) });
  return passkey;
}

const restart = async (watch = '1s'): Promise<string> => {
  const parameters = { unit: 'nginx', watch, probe_url: 'http://127.0.0.1/' };
  return (await assistant.call('run_playbook', { server: 'vault', playbook: 'service.restart', parameters })).action;
};
const look = (action: string) => world.owner('getAction', { action });
const approveWords = async (action: string) => {
  const { fingerprint } = await look(action);
  return ['approve', action, '--yes', '--digest', fingerprint, '--server', 'vault'];
};

async function succeeds(action: string) {
  const ended = await eventually(`${action} to end`, async () => {
    const now = await look(action);
    return isFinal(now.state) ? now : undefined;
  });
  assert.equal(ended.state, 'succeeded', `${ended.status} ${JSON.stringify(ended.error ?? ended.result)}`);
  return ended;
}

/** What the server itself says of its lock. */
const lockOnHost = async () => (await host.exec(['/opt/countersign/current/bin/countersign-agent', 'lock'])).stdout;

/** Waits until the server has told that it followed the lock that far. */
const followed = (number: number) =>
  eventually(`the server to follow the lock to state ${number}`, async () => {
    const { policy } = await world.owner('getServerStatus', { server: 'vault' });
    return policy?.lock?.number === number;
  });

hostTest(
  'T1: when a lock is made and pinned at the installation, the page of the server says whom it believes',
  async () => {
    const made = await ada.run(['key', 'create', '--out', 'ada.key', '--no-passphrase']);
    adaPhone = await addPasskey(world.owner, 'phone', world.password);
    const lock = await ada.run(
      ['lock', 'init', '--holder', `Ada=${made.key}`, '--holder', 'Ada=passkey:phone', '--password-stdin'],
      world.password,
    );
    recovery = lock.recovery_secret;
    // A passkey answers in a browser only: its owner hands the file in on the dashboard.
    assert.equal(lock.handed_in, false);
    const { options } = await world.owner('startProof', {});
    const proof = { kind: 'passkey', response: adaPhone.assert(options) } as const;
    await world.owner('initLock', { state: lock.state, proof });
    assert.deepEqual(
      lock.state.keys.map(({ key, holder }: { key: string; holder: string }) => [holder, key]),
      [
        ['Ada', made.key],
        ['Ada', adaPhone.key],
      ],
    );
    await host.writeFile('/root/lock.json', await readFile(join(ada.folder, 'lock.json')));
    await installAgent(world, host, 'vault', '--lock-keys /root/lock.json');
    const { trust, policy } = await world.owner('getServerStatus', { server: 'vault' });
    assert.match(trust, /only with signatures of its approvers: 1 of 1 \(Ada\)/);
    assert.equal(policy?.lock?.chain, lock.state.chain);
    assert.match(await lockOnHost(), /^locked: changes need the signature of Ada\n/);
  },
);

hostTest(
  'T1: when a tap or a session approves for a locked server, it is refused with the next step; a signature runs it',
  async () => {
    await host.exec(['systemctl', 'kill', '--signal=SIGKILL', 'nginx']);
    await eventually('the site to be down', async () => (await siteStatus(host)) === 0);
    const action = await restart();
    const { digest, fingerprint } = await look(action);

    const card = await telegram.card(fingerprint);
    assert.match(card.text, /Server vault is locked: it counts only signatures/);
    const buttons = JSON.stringify(card.buttons);
    assert.match(buttons, new RegExp(`${world.publicUrl}/actions/${action}`));
    const forged = {
      data: `v1:approve:${action.slice(4)}:${fingerprint}`,
      chat: telegram.chat,
      messageId: card.messageId,
    };
    const tapped = await telegram.twin.tapForged(telegram.user, forged);
    assert.match(tapped.text ?? '', /sign/i);
    await assert.rejects(world.owner('approveAction', { action, digest }), (error: { code: string; body: object }) => {
      assert.equal(error.code, 'signature_needed');
      assert.match(JSON.stringify(error.body), /countersign approve|--key FILE/);
      return true;
    });
    assert.equal((await look(action)).state, 'awaiting_approval');
    assert.equal(await siteStatus(host), 0, 'nothing ran');

    await ada.run([...(await approveWords(action)), '--key', 'ada.key']);
    await succeeds(action);
    assert.equal(await siteStatus(host), 200);
    const { entries } = await world.owner('getAuditLog', { action });
    const approved = entries.find(({ event }) => event === 'action.approved');
    const { key } = await ada.run(['key', 'show', 'ada.key']);
    assert.equal(approved?.details.signed_with, key);
    assert.deepEqual((await world.owner('verifyAudit', {})).problems, []);
  },
);

hostTest('T25: when the lock changes, the server follows by itself, and says so on its own console', async () => {
  const invited = await world.owner('invitePerson', { email: 'grace@example.org', name: 'Grace', role: 'approver' });
  const password = 'the password of Grace 1';
  const secret = invited.link.split('#')[1] ?? '';
  const { session } = await world.as('')('acceptInvitation', { secret, password, cli: true });
  grace = world.as(session ?? '');
  gracePhone = await addPasskey(grace, 'phone', password);
  await ada.run(['lock', 'add', '--holder', `Grace=${gracePhone.key}`, '--key', 'ada.key', '--from', 'lock.json']);
  await followed(1);
  await ada.run(['lock', 'require', 'high=2', '--key', 'ada.key', '--from', 'lock.json']);
  await followed(2);
  const said = await lockOnHost();
  assert.match(said, /^locked: changes need the signature of Ada or Grace\n/);
  assert.match(said, /state 2,[\s\S]*high 2/);
  const { servers } = await ada.run(['lock', 'show', '--from', 'lock.json']);
  assert.deepEqual(
    servers.map(({ state, number }: { state: string; number: number }) => [state, number]),
    [['following', 2]],
  );
});

hostTest(
  'T1: when two holders have to sign, one of them does not do with any key; key file and passkey of two do',
  async () => {
    const before = await host.readFile(SITE_FILE).catch(() => null);
    assert.equal(before, null);
    const content = 'client_max_body_size 12m;\n';
    const asked = { server: 'vault', path: SITE_FILE, content, expected_sha256: null, validator: 'nginx' };
    const { action } = await assistant.call('write_file', asked);
    const { digest, risk, lock } = await look(action);
    assert.deepEqual([risk, lock?.needed], ['high', 2]);
    await ada.run([...(await approveWords(action)), '--key', 'ada.key']);
    const again = { action, digest, typed_server: 'vault', signature: adaPhone.signDigest(digest) };
    await world.owner('approveAction', again).catch((error: { code?: string }) => assert.ok(error.code, String(error)));
    const one = await look(action);
    assert.deepEqual([one.state, one.lock?.signed], ['awaiting_approval', ['Ada']]);
    await assert.rejects(host.readFile(SITE_FILE), 'nothing was written');

    const lying = gracePhone.signDigest(digest, { origin: 'https://ops.example.test.evil.example' });
    await assert.rejects(grace('approveAction', { action, digest, typed_server: 'vault', signature: lying }), {
      code: 'signature_invalid',
    });
    await grace('approveAction', { action, digest, typed_server: 'vault', signature: gracePhone.signDigest(digest) });
    const ended = await succeeds(action);
    assert.equal(await host.readFile(SITE_FILE), content);
    const signedWith = ended.approvals.map((approval) => approval.signed_with);
    assert.ok(signedWith.includes(gracePhone.key) && signedWith.length === 2, JSON.stringify(ended.approvals));
  },
);

hostTest('T25: when a key is removed from the lock, what it signs counts no more', async () => {
  const weaken = ['lock', 'require', 'high=1,change=1', '--key', 'ada.key', '--from', 'lock.json'];
  const half = await ada.run([...weaken, '--out', 'change.json']);
  assert.equal(half.missing, 1, 'who may open alone by changing first could do without the second');
  const change = JSON.parse(await readFile(join(ada.folder, 'change.json'), 'utf8'));
  change.signatures.push(gracePhone.signDigest(half.digest));
  await world.owner('changeLock', { change });
  await ada.run(['lock', 'remove', gracePhone.key, '--key', 'ada.key', '--from', 'lock.json']);
  await followed(4);
  assert.match(await lockOnHost(), /^locked: changes need the signature of Ada\n[\s\S]*state 4,/);
  const action = await restart();
  const { digest } = await look(action);
  await assert.rejects(grace('approveAction', { action, digest, signature: gracePhone.signDigest(digest) }), {
    code: 'signature_invalid',
  });
  await ada.run([...(await approveWords(action)), '--key', 'ada.key']);
  await succeeds(action);
});

hostTest(
  'T1: when the lock is ended with its recovery secret, the server is unlocked, and everybody says so',
  async () => {
    const wrong = await ada.refused(['lock', 'disable', '--secret-stdin'], 'clr_not-the-secret-of-this-lock-at-all');
    assert.equal(wrong.code, 'lock_change_invalid');
    assert.match(await lockOnHost(), /^locked/);
    await ada.run(['lock', 'disable', '--secret-stdin'], recovery);
    await followed(5);
    assert.match(await lockOnHost(), /^unlocked: its lock was ended with the recovery secret/);
    const { trust } = await world.owner('getServerStatus', { server: 'vault' });
    assert.match(trust, /trusts the control plane.*Its lock was ended with the recovery secret/);
    const action = await restart();
    const { digest, lock } = await look(action);
    assert.equal(lock, null);
    await world.owner('approveAction', { action, digest });
    await succeeds(action);
  },
);
