import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { digestOf } from '@countersign/protocol/digest';
import { operatorClient } from '@countersign/protocol/operator-api/client';
import { askByToken, machineWithAgent } from './agent-machine.ts';
import { sshTest, startSshAgent } from './agent-of-ssh.ts';
import { startBendingProxy } from './bending-proxy.ts';
import { type Machine, password, until } from './processes.ts';

const passphrase = 'a long passphrase';

/** Invites Grace, who signs in on the same machine with a session of her own. Returns the environment of her command line. */
async function addGrace(machine: Machine): Promise<Record<string, string>> {
  const { session } = JSON.parse(readFileSync(join(machine.dataDir, 'cli-session.json'), 'utf8'));
  const call = operatorClient({ base: machine.url, fetch, bearer: session });
  const { link } = await call('invitePerson', { email: 'grace@example.org', name: 'Grace', role: 'approver' });
  await call('acceptInvitation', { secret: link.split('#')[1] ?? '', password });
  const env = { COUNTERSIGN_CONFIG: join(machine.dataDir, 'grace-session.json') };
  const login = await machine.run(['login', '--email', 'grace@example.org', '--password-stdin'], {
    input: password,
    env,
  });
  assert.equal(login.code, 0, login.err);
  return env;
}

/** A locked server: two holders must sign at high risk. Ada has a key file, Grace an ssh-agent. */
async function lockedMachine(context: TestContext) {
  const made = await machineWithAgent(context);
  const { machine } = made;
  const grace = await addGrace(machine);
  const ssh = await startSshAgent(context);
  const { file: graceKey } = ssh.add('grace');
  const adaKey = join(machine.dataDir, 'ada.key');
  await machine.run(['key', 'create', '--out', adaKey, '--passphrase-stdin'], { input: passphrase });
  const lockFile = join(machine.dataDir, 'lock.json');
  const init = ['lock', 'init', '--holder', `Ada=${adaKey}`, '--holder', `Grace=${graceKey}.pub`];
  const lock = await machine.run([...init, '--require', 'high=2', '--out', lockFile, '--password-stdin', '--json'], {
    input: password,
  });
  assert.equal(lock.code, 0, lock.out);
  await made.pin(lockFile);
  return { ...made, adaKey, ssh, grace: { ...grace, SSH_AUTH_SOCK: ssh.socket } };
}

sshTest(
  'T1: when a server is locked, it runs what enough holders signed on their own machines, and asks for no less',
  async (context) => {
    const { machine, file, server, adaKey, grace, ssh } = await lockedMachine(context);
    const id = await askByToken(machine, server, file, '[http]\nworkers = 8\n');
    const shown = await machine.run(['show', id]);
    assert.match(shown.out, /Lock {6}2 of 2 holders \(Ada, Grace\) must sign; nobody signed yet/);
    assert.match(shown.out, /What is to be done\n {2}\S+: file\.write \{/);
    const digest = /fingerprint {2}([0-9a-f]{8})/.exec(shown.out)?.[1] ?? '';
    const approve = ['approve', id, '--yes', '--digest', digest, '--server', server, '--json'];

    const unsigned = await machine.cli(approve);
    assert.equal(unsigned.json().error.code, 'signature_needed');
    assert.match(unsigned.json().error.next_step, /npm .*run -s cli -- approve ID --key FILE/);
    const stranger = join(machine.dataDir, 'stranger.key');
    await machine.run(['key', 'create', '--out', stranger, '--no-passphrase']);
    const refused = await machine.run([...approve, '--key', stranger]);
    assert.equal(refused.json().error.code, 'signature_invalid');

    const byHand = ['approve', id, '--key', adaKey];
    const declined = await machine.type(byHand, ['n\n']);
    assert.equal(declined.code, 2);
    assert.match(declined.out, new RegExp(`Approve ${digest}\\? \\[y/N\\] `));
    const mistyped = await machine.type(byHand, ['y\n', 'not the passphrase\n']);
    assert.match(mistyped.err, /does not open with this passphrase/);
    const typed = await machine.type(byHand, ['y\n', `${passphrase}\n`]);
    assert.equal(typed.code, 0, typed.err);
    assert.ok(!typed.out.includes(passphrase), 'what is typed is not shown');
    const signed = await machine.run(['show', id, '--json']);
    assert.deepEqual(signed.json().lock.signed, ['Ada']);
    assert.equal(signed.json().state, 'awaiting_approval');
    assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 2\n');

    ssh.add('another');
    const second = await machine.cli([...approve, '--ssh-agent'], { env: grace });
    assert.equal(second.code, 0, second.out);
    await until(
      async () => (await machine.run(['show', id, '--json'])).json().state === 'succeeded',
      () => second.out,
    );
    assert.equal(readFileSync(file, 'utf8'), '[http]\nworkers = 8\n');
    const { approvals } = (await machine.run(['show', id, '--json'])).json();
    assert.ok(approvals.every((it: { signed_with: string | null }) => it.signed_with?.startsWith('ed25519:')));
  },
);

sshTest(
  'T1: when the control plane shows another plan than the one that would be signed, nothing is signed',
  async (context) => {
    const { machine, file, server, adaKey } = await lockedMachine(context);
    const id = await askByToken(machine, server, file, '[http]\nworkers = 8\n');
    const { digest, plan } = (await machine.run(['show', id, '--json'])).json();
    const proxy = await startBendingProxy(context, machine.url);
    const approve = (fingerprint: string) =>
      machine.run(
        [
          'approve',
          id,
          '--yes',
          '--digest',
          fingerprint,
          '--url',
          proxy.url,
          '--key',
          adaKey,
          '--passphrase-stdin',
          '--json',
        ],
        { input: passphrase },
      );
    const bends = [
      { ...plan, title: 'Nothing at all' },
      { ...plan, risk: 'low' },
      { ...plan, steps: plan.steps.map((step: object) => ({ ...step, timeout_ms: 1 })) },
      { ...plan, request: { ...plan.request, valid_until: plan.request.valid_until + 1 } },
    ];
    for (const bent of bends) {
      proxy.bend = (_path, body) => ({ ...body, plan: bent });
      const refused = await approve(digest.slice(0, 8));
      assert.equal(refused.json().error.code, 'plan_bent', refused.out);
    }
    // A plan that fits its digest, but is that of another action.
    const elsewhere = { ...plan, request: { ...plan.request, action: 'act_000000000000' } };
    proxy.bend = (_path, body) => ({ ...body, plan: elsewhere, digest: digestOf(elsewhere) });
    assert.equal((await approve(digestOf(elsewhere).slice(0, 8))).json().error.code, 'plan_bent');
    // A plan that fits its digest is shown as it is, whatever the words beside it say.
    const honest = { ...plan, title: 'Write something else' };
    proxy.bend = (_path, body) => ({
      ...body,
      title: 'Restart a harmless thing',
      plan: honest,
      digest: digestOf(honest),
      risk: 'low',
    });
    const shown = await machine.run(['approve', id, '--url', proxy.url, '--key', adaKey]);
    assert.match(shown.out, /^Write something else$/m);
    assert.match(shown.out, /^ {2}risk {9}high$/m);
    assert.doesNotMatch(shown.out, /harmless/);
    assert.deepEqual(
      proxy.requests.filter((it) => !it.startsWith('GET ')),
      [],
      'nothing was sent',
    );
  },
);
