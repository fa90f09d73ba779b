/** Incidents of several parts on a real server, told in tired words: the first finding says what belongs together and why. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { diagnosticIds } from '@countersign/protocol';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { type Assistant, connectAssistant } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { serverOnline } from '../world/install-agent.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { carryOut } from './prove.ts';

const POLICY = `${OPEN_POLICY}apps:
  shop:
    root: /srv/shop
    unit: shop.service
`;
const SITE = '/etc/nginx/sites-enabled/default';

let ground: Ground;
let assistant: Assistant;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('diagnosis', { policy: POLICY });
  assistant = await connectAssistant('v2', { url: ground.world.url, token: await ground.world.token() });
});
after(async () => {
  await assistant?.[Symbol.asyncDispose]();
  await ground?.[Symbol.asyncDispose]();
});

interface Finding {
  readonly kind: string;
  readonly severity: string;
  readonly title: string;
  readonly since?: string;
  readonly causes: readonly string[];
  readonly suggestions: readonly { readonly playbook: string; readonly parameters: Record<string, unknown> }[];
  readonly evidence: readonly { readonly source: string; readonly untrusted_output: string }[];
  readonly together?: {
    readonly why: readonly string[];
    readonly parts: readonly { readonly kind: string; readonly action?: string }[];
  };
}

let asked = 0;

/** What an assistant is told first. The pause between broad diagnoses of a server ends with the process that counts it. */
async function firstOf(description: string): Promise<Finding> {
  if (asked > 0) {
    await ground.world.restart();
    await serverOnline(ground.world, ground.server);
  }
  asked += 1;
  const seen = await assistant.call('run_diagnostic', { server: ground.name, description });
  const [first] = seen.findings as Finding[];
  assert.ok(first?.together, JSON.stringify(seen, null, 1).slice(0, 12_000));
  assert.ok(!ground.world.log().includes('suggestion.invalid'), 'what is suggested can be run');
  return first;
}

const kindsOf = ({ together }: Finding) => together?.parts.map(({ kind }) => kind) ?? [];

async function install(host: Host, unit: string, start: string): Promise<void> {
  const lines = ['[Unit]', 'StartLimitIntervalSec=0', '[Service]', `ExecStart=${start}`];
  await host.writeFile(`/etc/systemd/system/${unit}.service`, `${lines.join('\n')}\n`);
  await host.exec(['systemctl', 'daemon-reload']);
}

async function failing(host: Host, unit: string): Promise<void> {
  await host.exec(['systemctl', 'restart', unit], { okCodes: 'any' });
  await host.waitFor(['systemctl', 'is-failed', unit]);
}

hostTest('when a full file system stops two services, tired words lead to one finding that says so', async () => {
  const { host } = ground;
  await host.exec(['mkdir', '-p', '/srv/data']);
  await host.exec(['mount', '-t', 'tmpfs', '-o', 'size=4M', 'data', '/srv/data']);
  try {
    await host.exec(['dd', 'if=/dev/zero', 'of=/srv/data/old.img', 'bs=64K'], { okCodes: 'any' });
    for (const unit of ['orders', 'mailer']) {
      await install(host, unit, `/bin/dd if=/dev/zero of=/srv/data/${unit}.db bs=64K count=4`);
      await failing(host, unit);
    }
    const first = await firstOf('orders keeps dying since like 10 min, dunno, smth about space?? cant write');
    assert.equal(first.kind, 'together.disk_full');
    assert.match(first.title, /^A full disk stops what writes to it: \/srv\/data is 100 % full/);
    assert.equal(kindsOf(first)[0], 'disk.mount_full');
    assert.equal(kindsOf(first).filter((kind) => kind === 'service.failed').length, 2, kindsOf(first).join());
    assert.ok(first.since, 'since when');
    assert.ok(first.evidence.some(({ untrusted_output }) => /No space left on device/.test(untrusted_output)));
  } finally {
    await host.exec(['systemctl', 'reset-failed', 'orders', 'mailer'], { okCodes: 'any' });
    await host.exec(['umount', '/srv/data']);
  }
});

async function release(host: Host, name: string, serve: string): Promise<void> {
  await host.exec(['mkdir', '-p', `/srv/shop/releases/${name}`]);
  await host.writeFile(`/srv/shop/releases/${name}/run`, `#!/bin/sh\n${serve}\n`, '0755');
}

async function deploy(host: Host, name: string): Promise<void> {
  await host.exec(['ln', '-sfnT', `releases/${name}`, '/srv/shop/current']);
  await host.exec(['systemctl', 'restart', 'shop'], { okCodes: 'any' });
}

hostTest(
  'when a deploy broke what is behind nginx, tired words lead to one finding that offers the way back first',
  async () => {
    const { host } = ground;
    await release(host, '41', 'cd /srv/shop && exec busybox httpd -f -p 127.0.0.1:3000');
    await release(host, '42', 'echo "cannot find module pricing" >&2; exit 1');
    await install(host, 'shop', '/srv/shop/current/run');
    await host.writeFile(
      SITE,
      'server {\n  listen 80 default_server;\n  location / { proxy_pass http://127.0.0.1:3000; }\n}\n',
    );
    await deploy(host, '41');
    await host.exec(['systemctl', 'restart', 'nginx']);
    const status = () =>
      host.exec(['busybox', 'wget', '-S', '-O', '/dev/null', 'http://127.0.0.1/'], { okCodes: 'any' });
    await eventually('the shop to answer', async () => ((await status()).stderr.includes('502') ? undefined : true));
    await deploy(host, '42');
    await host.waitFor(['systemctl', 'is-failed', 'shop']);
    assert.match((await status()).stderr, /502/);
    try {
      const first = await firstOf('checkout gives 502 since we shipped 5 min ago, pls help');
      assert.match(first.title, /^What is behind nginx does not answer, since a deploy: http:\/\/127\.0\.0\.1:3000/);
      const kinds = kindsOf(first);
      for (const kind of ['nginx.upstream_errors', 'service.failed']) assert.ok(kinds.includes(kind), kinds.join());
      assert.ok(
        kinds.some((kind) => kind.startsWith('deploy.')),
        kinds.join(),
      );
      assert.equal(first.suggestions[0]?.playbook, 'deploy.rollback', JSON.stringify(first.suggestions));
      assert.equal(first.suggestions[0]?.parameters.app, 'shop');
    } finally {
      await deploy(host, '41');
      await host.exec([
        'sh',
        '-c',
        `rm -f ${SITE}; truncate -s 0 /var/log/nginx/*.log; systemctl stop nginx shop; rm -r /srv/shop`,
      ]);
    }
  },
);

hostTest('when no name can be looked up and a service fails for it, tired words lead to one finding', async () => {
  const { host } = ground;
  await host.exec(['sh', '-c', 'cat /etc/resolv.conf > /root/resolv.conf; : > /etc/resolv.conf']);
  await install(
    host,
    'billing',
    `/usr/bin/python3 -c "import urllib.request as u; u.urlopen('http://api.example.org/')"`,
  );
  try {
    await failing(host, 'billing');
    const first = await firstOf('billing wont start anymore, name resolution or so?');
    assert.equal(first.kind, 'together.names_not_found');
    assert.equal(first.severity, 'critical');
    assert.ok(kindsOf(first).includes('service.failed'), kindsOf(first).join());
    assert.match(kindsOf(first)[0] ?? '', /^dns\./);
    assert.match(first.together?.why[0] ?? '', /could not resolve a name/);
  } finally {
    await host.exec(['sh', '-c', 'cat /root/resolv.conf > /etc/resolv.conf; systemctl reset-failed billing']);
  }
});

hostTest(
  'when a service fails minutes after an approved action on it, the action is named as a likely cause',
  async () => {
    const { host } = ground;
    await install(host, 'relay', '/bin/sh -c "until test -e /srv/relay.ends; do sleep 0.2; done; exit 3"');
    const action = await carryOut(ground, { playbook: 'service.restart' }, { unit: 'relay', watch: '1s' });
    assert.equal(action.state, 'succeeded', action.status);
    await host.exec(['touch', '/srv/relay.ends']);
    await host.waitFor(['systemctl', 'is-failed', 'relay']);
    try {
      const first = await firstOf('relay service died again??');
      assert.match(first.title, /^Since an action here: relay\.service/);
      assert.equal(first.together?.parts.at(-1)?.action, action.id);
      assert.match(first.together?.why.join(' ') ?? '', new RegExp(action.id));
    } finally {
      await host.exec(['systemctl', 'reset-failed', 'relay'], { okCodes: 'any' });
    }
  },
);

hostTest('when every diagnostic runs on a real server, all that is suggested can be run', async () => {
  const { assistant: ask, name, world } = ground;
  const asked = diagnosticIds.filter((id) => id !== 'service');
  for (let from = 0; from < asked.length; from += 10) {
    const diagnostics = asked.slice(from, from + 10);
    const seen = await ask('runDiagnostic', { server: name, diagnostics });
    assert.deepEqual(
      seen.diagnostics.flatMap(({ diagnostic, error }) => (error === null ? [] : [`${diagnostic}: ${error.message}`])),
      [],
    );
  }
  assert.ok(!world.log().includes('suggestion.invalid'), world.log().slice(-4000));
});

for (const playbook of ['triage', 'web.down', 'slow.host', 'post_deploy', 'security.sweep'])
  hostTest(`${playbook}: when it is asked for, it reads at once and asks nobody`, async () => {
    const { diagnosis, action } = await assistant.call('run_playbook', { server: ground.name, playbook });
    assert.equal(action, undefined);
    assert.ok(diagnosis.findings.length > 0);
    const failed = diagnosis.diagnostics.filter((it: { error: unknown }) => it.error !== null);
    assert.deepEqual(failed, []);
  });
