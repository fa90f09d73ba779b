/** The recipes of docs/cookbook.md, each with the very text of the page, on a real server. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before } from 'node:test';
import { isFinal } from '@countersign/protocol';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { type CommandLine, commandLine } from '../world/command-line.ts';
import { eventually } from '../world/eventually.ts';
import { projectFolder } from '../world/places.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { carryOut } from './prove.ts';

/** The blocks of each recipe by where they go, which their first line says. */
const recipes = (await readFile(join(projectFolder, 'docs/cookbook.md'), 'utf8'))
  .split(/^## /m)
  .slice(1)
  .map((section) => ({
    title: section.slice(0, section.indexOf('\n')),
    blocks: [...section.matchAll(/```yaml\n# (.*)\n([\s\S]*?)```/g)].map(([, place = '', text = '']) => ({
      place,
      text,
    })),
  }));

let ground: Ground;
let ada: CommandLine;

before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('staging-shop');
  ada = await commandLine(ground.world);
  await ground.host.writeFile('/srv/shop/shop.env', 'FEATURE_SEARCH=on\nDB_PASSWORD=the-old-password\n', '0600');
  await ground.host.writeFile('/srv/shop/serve', SERVE, '0755');
  await ground.host.writeFile('/etc/systemd/system/shop.service', UNIT);
  await ground.host.exec(['systemctl', 'start', 'shop']);
  await ground.host.waitFor(['curl', '-fsS', 'http://127.0.0.1:8080/health']);
});
after(async () => {
  await ada?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

/** Started when it answers, however long Python takes to begin: the check of a recipe looks at it a second later. */
const UNIT = `[Unit]
StartLimitIntervalSec=0
[Service]
EnvironmentFile=/srv/shop/shop.env
ExecStart=/usr/bin/python3 /srv/shop/serve
ExecStartPost=/bin/sh -c 'until curl -s -o /dev/null http://127.0.0.1:8080/health; do sleep 0.05; done'
`;

/** The shop: well unless its flag REVIEWS is on, or its release is a broken one. */
const SERVE = `import os
from http.server import BaseHTTPRequestHandler, HTTPServer
class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        well = os.environ.get('FEATURE_REVIEWS') != 'on' and not os.path.exists('/srv/shop/current/broken')
        self.send_response(200 if well else 500)
        self.end_headers()
    def log_message(self, *words):
        pass
HTTPServer(('127.0.0.1', 8080), Shop).serve_forever()
`;

/** Puts the blocks of a recipe where they say that they go, and waits until they are in force. */
async function follow(number: number): Promise<void> {
  const recipe = recipes[number - 1];
  if (!recipe?.title.startsWith(`${number}.`)) throw new Error(`there is no recipe ${number}`);
  for (const { place, text } of recipe.blocks) {
    if (place === 'server: /etc/countersign/policy.yaml') await ground.tellPolicy(text);
    else if (place === 'control plane: policy.yaml') await writeFile(join(ground.world.dataDir, 'policy.yaml'), text);
    else {
      const path = join(ground.world.dataDir, place);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text);
      const id = /^id: (\S+)$/m.exec(text)?.[1];
      if (id === undefined) continue;
      await eventually(`playbook ${id} to be in force`, () => ground.assistant('getPlaybook', { playbook: id }));
    }
  }
}

/** As before a recipe: everything allowed there, the built-in rules here. */
async function forget(): Promise<void> {
  await ground.tellPolicy(OPEN_POLICY);
  await writeFile(join(ground.world.dataDir, 'policy.yaml'), await builtInPolicy());
}

async function builtInPolicy(): Promise<string> {
  const { defaultPolicy } = await import('@countersign/control-plane/policy/default-policy');
  return defaultPolicy;
}

const run = (playbook: string, parameters: Record<string, string | number | boolean> = {}) =>
  carryOut(ground, { playbook }, parameters);
const env = () => ground.host.readFile('/srv/shop/shop.env');

const recipe = (number: number, when: string, fn: () => Promise<void>) =>
  hostTest(`recipe ${number}: when ${when}`, async () => {
    await follow(number);
    try {
      await fn();
    } finally {
      await forget();
    }
  });

recipe(1, 'a feature is switched, it stays so while the shop is well, and comes back when it is not', async () => {
  const tried = await ada.run(['playbook', 'test', join(ground.world.dataDir, 'playbooks/shop/feature.yaml')]);
  assert.deepEqual(
    tried.files[0].outcomes.map(({ problems }: { problems: string[] }) => problems),
    [[], []],
  );
  const off = await run('shop.feature', { feature: 'SEARCH', watch: '1s' });
  assert.equal(off.state, 'succeeded', off.status);
  assert.match(await env(), /^FEATURE_SEARCH=off$/m);
  const on = await run('shop.feature', { feature: 'REVIEWS', state: 'on', watch: '1s' });
  assert.deepEqual([on.state, on.result?.undo.state], ['failed', 'done'], on.status);
  assert.doesNotMatch(await env(), /REVIEWS/);
  await ground.host.waitFor(['curl', '-fsS', 'http://127.0.0.1:8080/health']);
});

recipe(2, 'a larger upload is let through, nginx takes it and the site answers', async () => {
  const site =
    'server {\n    listen 80;\n    server_name shop.example;\n    client_max_body_size 1m;\n    location / { proxy_pass http://127.0.0.1:8080; }\n}\n';
  await ground.host.writeFile('/etc/nginx/sites-enabled/shop', site);
  await ground.host.exec(['rm', '-f', '/etc/nginx/sites-enabled/default']);
  await ground.host.exec(['systemctl', 'restart', 'nginx']);
  const preview = await ada.run([
    'playbook',
    'preview',
    'shop.upload_limit',
    '--server',
    ground.name,
    '--param',
    'limit=50m',
  ]);
  assert.match(preview.steps[0].diff, /-\s+client_max_body_size 1m;\n\+\s+client_max_body_size 50m;/);
  assert.equal(preview.verdict.verdict, 'ask');
  const done = await run('shop.upload_limit', { limit: '50m' });
  assert.equal(done.state, 'succeeded', done.status);
  const big = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Host: shop.example'];
  await ground.host.exec(['truncate', '-s', '8M', '/root/upload']);
  const upload = [...big, '--data-binary', '@/root/upload', 'http://127.0.0.1/'];
  // nginx is only told to reload, and its workers from before may still answer.
  await ground.host.waitFor(
    async () => !/^(413|000)$/.test((await ground.host.exec(upload, { okCodes: 'any' })).stdout),
    { what: 'the upload to be let through' },
  );
});

recipe(3, 'the shop is looked at, nobody is asked and everything is read', async () => {
  const { action, diagnosis } = await ground.assistant('runPlaybook', { server: ground.name, playbook: 'shop.look' });
  assert.equal(action, null);
  assert.deepEqual(
    diagnosis?.diagnostics.map(({ diagnostic, error }) => [diagnostic, error]),
    ['service', 'nginx', 'disk', 'network_ports'].map((id) => [id, null]),
  );
});

recipe(4, 'the cache is emptied, old files go and new ones stay', async () => {
  await ground.host.exec([
    'sh',
    '-c',
    'mkdir -p /srv/shop/cache; touch -d "30 days ago" /srv/shop/cache/old; touch /srv/shop/cache/new',
  ]);
  const done = await run('shop.empty_cache');
  assert.equal(done.state, 'succeeded', done.status);
  const left = (await ground.host.exec(['ls', '/srv/shop/cache'])).stdout.trim();
  assert.equal(left, 'new');
});

recipe(5, 'the password is changed, the shop has it, and nobody else sees it', async () => {
  await ground.host.writeFile('/root/shop-db.password', 'correct-horse-battery-9\n', '0600');
  const done = await run('shop.db_password');
  assert.equal(done.state, 'succeeded', done.status);
  assert.match(await env(), /^DB_PASSWORD=correct-horse-battery-9$/m);
  const told = JSON.stringify([done, await ground.world.owner('getAuditLog', { action: done.id })]);
  assert.doesNotMatch(told, /correct-horse-battery-9/);
  assert.match(told, /secret:shop_db/);
});

recipe(6, 'a server is called staging, it is restarted without asking', async () => {
  const parameters = { unit: 'shop', watch: '1s' };
  const asked = { server: ground.name, playbook: 'service.restart', parameters };
  const { action } = await ground.assistant('runPlaybook', asked);
  const ended = await eventually('the restart to end', async () => {
    const now = await ground.world.owner('getAction', { action: action?.id ?? '' });
    return isFinal(now.state) && now;
  });
  assert.deepEqual([ended.state, ended.approvals], ['succeeded', []], ended.status);
  const other = await ground.assistant('runPlaybook', {
    ...asked,
    playbook: 'service.stop',
    parameters: { unit: 'shop' },
  });
  assert.equal(other.action?.state, 'awaiting_approval', 'only what the rule names goes without asking');
  await ground.assistant('cancelAction', { action: other.action.id });
});

recipe(7, 'something risky is asked for, one approval is not enough', async () => {
  const { action } = await ground.assistant('writeFile', {
    server: ground.name,
    path: '/srv/shop/motd',
    content: 'closed today\n',
    expected_sha256: null,
  });
  assert.ok(action);
  const verdict = { action: action.id, digest: action.digest, typed_server: ground.name };
  const after = await ground.world.owner('approveAction', verdict);
  assert.deepEqual([after.state, after.approvals.length], ['awaiting_approval', 1]);
  await ground.assistant('cancelAction', { action: action.id });
});

recipe(8, 'a release broke the shop, the diagnosis offers the one before and the shop answers again', async () => {
  const { host, assistant, name } = ground;
  const script =
    'cd /srv/shop; mkdir -p releases/2026-11-20 releases/2026-11-21; touch releases/2026-11-21/broken; touch -d "1 day ago" releases/2026-11-20; ln -sfn releases/2026-11-21 current';
  await host.exec(['sh', '-c', script]);
  await host.exec(['systemctl', 'restart', 'shop']);
  await host.waitFor(async () => (await status()) === '500', { what: 'the shop to be broken' });
  const { findings } = await assistant('runDiagnostic', { server: name, diagnostics: ['deploy'] });
  const offer = findings.flatMap(({ suggestions }) => suggestions).find((it) => it.playbook === 'deploy.rollback');
  assert.deepEqual([offer?.parameters.app, offer?.parameters.to], ['shop', '2026-11-20'], JSON.stringify(findings));
  const back = await run('deploy.rollback', { app: 'shop', to: '2026-11-20', watch: '1s' });
  assert.equal(back.state, 'succeeded', back.status);
  assert.equal(await status(), '200');
});

const status = async () => {
  const argv = ['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', 'http://127.0.0.1:8080/health'];
  return (await ground.host.exec(argv, { okCodes: 'any' })).stdout;
};

recipe(9, 'a program of the owner is asked for, it runs with the words that the owner wrote', async () => {
  await ground.host.writeFile(
    '/usr/local/bin/cache',
    '#!/bin/sh\ncase $1 in clear) rm -f "/srv/$2.cache" ;; is-empty) test ! -e "/srv/$2.cache" ;; warm) touch "/srv/$2.cache" ;; esac\n',
    '0755',
  );
  await ground.host.exec(['touch', '/srv/shop.cache']);
  await eventually('the command to be offered', async () =>
    (await ground.assistant('listPlaybooks', { server: ground.name })).playbooks.some(
      ({ id }) => id === 'local.clear_cache',
    ),
  );
  const done = await run('local.clear_cache', { site: 'shop' });
  assert.equal(done.state, 'succeeded', done.status);
  assert.deepEqual(done.plan.preview.steps[0]?.argv, [['/usr/local/bin/cache', 'clear', 'shop']]);
  await ground.host.exec(['test', '!', '-e', '/srv/shop.cache']);
  const other = { server: ground.name, playbook: 'local.clear_cache', parameters: { site: 'bank' } };
  await assert.rejects(ground.assistant('runPlaybook', other), { code: 'invalid_input' });
});

recipe(10, 'a command only reads, it runs at once, and one that writes is asked for', async () => {
  const { assistant, name } = ground;
  const { action } = await assistant('runCommand', { server: name, argv: ['df', '-h'] });
  assert.notEqual(action?.state, 'awaiting_approval', JSON.stringify(action?.policy));
  const seen = await eventually('df to end', async () => {
    const now = await assistant('getAction', { action: action?.id ?? '' });
    return isFinal(now.state) && now;
  });
  assert.deepEqual([seen.state, seen.approvals], ['succeeded', []], seen.status);
  assert.match(seen.untrusted_output, /Filesystem/);
  const writing = await assistant('runCommand', { server: name, argv: ['sort', '-o', '/etc/hosts', '/etc/hosts'] });
  assert.equal(writing.action?.state, 'awaiting_approval');
  await assistant('cancelAction', { action: writing.action.id });
});
