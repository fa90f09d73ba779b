import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import type { InputOf } from '@countersign/protocol/operator-api/index';
import { readingOf, readingPrograms } from '@countersign/protocol/reading-commands/judge';
import { legitimate } from '../../protocol/test/reading-commands/legitimate.ts';
import { readingMixes } from '../../protocol/test/reading-commands/mixes.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { watchEffects } from '../world/effects-on-host.ts';
import { eventually } from '../world/eventually.ts';
import { type Ground, openGround } from './ground.ts';
import { carryOut } from './prove.ts';

const RULES = `format: countersign-policy/1
rules:
  - {name: look, when: {reading_command: true}, allow: true}
`;
const SITE = `  - name: clear_cache
    summary: Empties the cache of one site.
    argv: [/usr/local/bin/cache, clear, "{{site}}"]
    parameters: { site: { type: choice, choices: [shop, blog], summary: Which. } }
    risk: medium
    check: { argv: [/usr/local/bin/cache, is-empty, "{{site}}"] }
    undo: { argv: [/usr/local/bin/cache, warm, "{{site}}"] }
`;
const LOOKING = 'mode: act\ncommands: true\nreading_commands: true\n';
const OWNING = `mode: act\nreading_commands: true\ncommands:\n${SITE}`;
/** Keeps the cache of a site in a file; what is sticky is never empty. */
const CACHE = `#!/bin/sh
case $1 in
  clear) [ -e /srv/cache/$2.sticky ] && printf stale >/srv/cache/$2 || : >/srv/cache/$2;;
  is-empty) [ ! -s /srv/cache/$2 ];;
  warm) printf warm >/srv/cache/$2;;
esac
`;

let ground: Ground;
before(async () => {
  if (whyNoHosts() === undefined) ground = await openGround('commands', { rules: RULES, policy: LOOKING });
});
after(async () => ground?.[Symbol.asyncDispose]());

async function command(argv: string[], more: Partial<InputOf<'runCommand'>> = {}) {
  const { action } = await ground.assistant('runCommand', { server: ground.name, argv, ...more });
  assert.ok(action);
  return action;
}

/** What the command printed, when it ran without anybody deciding. */
async function ranAtOnce(argv: string[]) {
  const action = await command(argv);
  assert.notEqual(action.state, 'awaiting_approval', argv.join(' '));
  return eventually(`${argv.join(' ')} to end`, async () => {
    const now = await ground.assistant('getAction', { action: action.id });
    return isFinal(now.state) ? now : undefined;
  });
}

hostTest(
  'when policy and server let reading commands run at once, one runs without a human and says what it read',
  async () => {
    await ground.tellPolicy(LOOKING);
    const { host } = ground;
    await host.writeFile('/etc/reading.conf', 'listen 8080\npassword=hunter2hunter2\n');
    const effects = await watchEffects(host);
    const read = await ranAtOnce(['cat', '-n', '/etc/reading.conf']);
    assert.equal(read.state, 'succeeded', JSON.stringify(read.error ?? read.result));
    assert.match(read.untrusted_output, /listen 8080/);
    assert.doesNotMatch(read.untrusted_output, /hunter2/);
    assert.equal(read.approvals.length, 0);
    assert.equal(read.risk, 'low');
    assert.deepEqual(read.plan.preview.steps[0]?.argv, [['/usr/bin/cat', '-n', '/etc/reading.conf']]);
    for (const argv of [
      ['systemctl', 'is-active', 'ssh'],
      ['ss', '-tln'],
      ['df', '-h'],
      ['ps', 'aux'],
      ['journalctl', '-n', '3'],
    ]) {
      const done = await ranAtOnce(argv);
      assert.equal(done.state, 'succeeded', `${argv.join(' ')}: ${JSON.stringify(done.error ?? done.result)}`);
      assert.notEqual(done.untrusted_output, '', argv.join(' '));
    }
    assert.equal((await effects()).files, '', 'nothing on the server changed');
  },
);

hostTest(
  'T15: when a link, a key or a folder stands behind a path, the command does not run as one that only reads',
  async () => {
    await ground.tellPolicy(LOOKING);
    const { host } = ground;
    await host.exec(['ln', '-sfn', '/etc/shadow', '/etc/leads-away']);
    await host.exec(['ln', '-sfn', '/proc/1/environ', '/srv/leads-away']);
    await host.writeFile('/srv/site.pem', '-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n');
    await host.exec(['mkfifo', '/srv/pipe']);
    for (const path of ['/etc/leads-away', '/srv/leads-away', '/srv/site.pem', '/srv/pipe', '/srv'])
      assert.equal((await command(['cat', path])).state, 'awaiting_approval', path);
    await ground.tellPolicy('mode: act\nreading_commands: true\n');
    for (const path of ['/etc/leads-away', '/srv/leads-away', '/srv/site.pem', '/srv/pipe', '/srv'])
      await assert.rejects(command(['tail', path]), { code: 'path_denied' }, path);
  },
);

hostTest(
  'when the server has reading commands off, the same command is asked for, or refused where commands are off too',
  async () => {
    await ground.tellPolicy('mode: act\ncommands: true\n');
    assert.equal((await command(['uptime'])).state, 'awaiting_approval');
    await ground.tellPolicy('mode: act\n');
    await assert.rejects(command(['uptime', '-p']), { code: 'commands_disabled' });
  },
);

/** Runs commands as the server does, but without the walls around them, and tells those that could not be started. */
async function runBare(commands: readonly (readonly string[])[]): Promise<void> {
  const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  const lines = commands.map(
    (argv) => `timeout 3 env -i LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin ${argv.map(quoted).join(' ')}`,
  );
  await ground.host.writeFile('/root/reading.sh', `cd /\n${lines.join('\n')}\nexit 0\n`);
}

hostTest(
  'T16: when everything that counts as reading is run for real, with random mixes of real options, nothing on the server changes',
  async (t) => {
    const { host } = ground;
    await ground.tellPolicy(LOOKING);
    await host.exec([
      'sh',
      '-c',
      'mkdir -p /etc/canary && echo canary >/etc/canary/file && ln -sfn file /etc/canary/link',
    ]);
    const rules = { readRoots: ['/etc', '/var/log', '/srv', '/opt'], deniedPaths: ['/etc/shadow', '/etc/countersign'] };
    const help = await host.exec(
      [
        'sh',
        '-c',
        `for p in ${Object.keys(readingPrograms).join(' ')}; do echo "== $p"; timeout 3 $p --help </dev/null 2>&1; done`,
      ],
      { okCodes: 'any', timeoutMs: 60_000 },
    );
    const said = new Map(
      help.stdout
        .split(/^== /m)
        .map((part) => [part.split('\n')[0] ?? '', [...new Set(part.match(/--[a-z][a-z0-9-]+/g) ?? [])]]),
    );
    assert.ok([...said.values()].flat().length > 500, 'the programs tell their options');
    const seed = 20261121;
    const { taken, tried } = readingMixes(seed, 500, rules, (program) => said.get(program) ?? []);
    t.diagnostic(`seed ${seed}: ${taken.length} of ${tried} mixes count as reading`);
    assert.ok(taken.length >= 400, `${taken.length} mixes of ${tried}`);
    const usual = legitimate
      .map((line) => line.split(' '))
      .filter((argv) => !argv.includes('vmstat') && readingOf(argv, rules) !== null);
    await runBare([...usual, ...taken]);
    const effects = await watchEffects(host);
    const before = await effects();
    await host.exec(['sh', '-c', 'sh /root/reading.sh </dev/null >/dev/null 2>&1'], {
      timeoutMs: 240_000,
      okCodes: 'any',
    });
    const now = await effects();
    assert.deepEqual(
      { files: now.files, firewall: now.firewall, policy: now.policy, units: now.units },
      { files: '', firewall: before.firewall, policy: before.policy, units: before.units },
    );
    assert.equal(await host.readFile('/etc/canary/file'), 'canary\n');
    // The watch itself is no good when it does not see a write.
    await runBare([['cp', '/etc/canary/file', '/etc/canary/out']]);
    await host.exec(['sh', '/root/reading.sh']);
    assert.match((await effects()).files, /\/etc\/canary\/out/);
  },
);

hostTest(
  'local.clear_cache: when the owner declared a command, it is listed, asked for, approved and run as it is declared; when its check fails, its undo runs',
  async () => {
    const { host, assistant, name } = ground;
    await host.writeFile('/usr/local/bin/cache', CACHE, '0755');
    await host.exec(['sh', '-c', 'mkdir -p /srv/cache && printf full >/srv/cache/shop']);
    await ground.tellPolicy(OWNING);
    const { playbooks } = await assistant('listPlaybooks', { server: name });
    const listed = playbooks.find(({ id }) => id === 'local.clear_cache');
    assert.deepEqual(
      [listed?.risk, listed?.reversible, listed?.fits, listed?.parameters.map((each) => each.name)],
      ['medium', true, true, ['site']],
    );
    assert.equal(
      (await assistant('getCapabilities', { server: name })).server?.own_commands[0]?.id,
      'local.clear_cache',
    );

    const done = await carryOut(ground, { playbook: 'local.clear_cache' }, { site: 'shop' });
    assert.equal(done.state, 'succeeded', JSON.stringify(done.error ?? done.result));
    assert.deepEqual(
      done.plan.preview.steps.map(({ argv }) => argv),
      [[['/usr/local/bin/cache', 'clear', 'shop']], [['/usr/local/bin/cache', 'is-empty', 'shop']]],
    );
    assert.equal(await host.readFile('/srv/cache/shop'), '');

    await host.exec(['touch', '/srv/cache/shop.sticky']);
    const failed = await carryOut(ground, { playbook: 'local.clear_cache' }, { site: 'shop' });
    assert.equal(failed.state, 'failed', JSON.stringify(failed.result));
    assert.equal(failed.result?.undo.state, 'done', JSON.stringify(failed.result));
    assert.equal(await host.readFile('/srv/cache/shop'), 'warm');

    await assert.rejects(
      assistant('runPlaybook', { server: name, playbook: 'local.clear_cache', parameters: { site: 'other' } }),
      /site/,
    );
    await assert.rejects(
      assistant('runPlaybook', { server: name, playbook: 'local.another', parameters: {} }),
      /local\.another/,
    );
  },
);

hostTest(
  'T8: when the owner changes the declaration after it was approved, what was approved does not run',
  async () => {
    const { host, assistant, world, name } = ground;
    await host.exec([
      'sh',
      '-c',
      'mkdir -p /srv/cache && rm -f /srv/cache/shop.sticky && printf full >/srv/cache/shop',
    ]);
    await ground.tellPolicy(OWNING);
    const { action } = await assistant('runPlaybook', {
      server: name,
      playbook: 'local.clear_cache',
      parameters: { site: 'shop' },
    });
    assert.ok(action);
    await ground.setPolicy(OWNING.replace('summary: Empties', 'timeout: 30s\n    summary: Empties'));
    await world.owner('approveAction', { action: action.id, digest: action.digest, typed_server: name });
    const now = await eventually('the action to end', async () => {
      const detail = await world.owner('getAction', { action: action.id });
      return isFinal(detail.state) ? detail : undefined;
    });
    assert.equal(now.state, 'refused', JSON.stringify(now.result));
    assert.match(JSON.stringify(now.error), /declaration/);
    assert.equal(await host.readFile('/srv/cache/shop'), 'full');
  },
);
