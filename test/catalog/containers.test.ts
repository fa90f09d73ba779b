import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Host } from '../hosts/host.ts';
import { hostTest, whyNoHosts } from '../hosts/requirements.ts';
import { eventually } from '../world/eventually.ts';
import { serverOnline } from '../world/install-agent.ts';
import { boxLayer, docker, inspect, loadOldImage, startDocker, waitForHealth } from './docker-ground.ts';
import { type Ground, OPEN_POLICY, openGround } from './ground.ts';
import { serveImage } from './image-registry.ts';
import { carryOut, prove } from './prove.ts';
import { untilNextStep } from './worker.ts';

let ground: Ground;
before(async () => {
  if (whyNoHosts() !== undefined) return;
  ground = await openGround('containers');
  await startDocker(ground.host);
});
after(async () => ground?.[Symbol.asyncDispose]());

const FLAG = '/srv/worker/broken';
/** Ends soon after its start while a flag lies there, which it takes away. */
const WORKER = 'if test -e /data/broken; then rm /data/broken; exit 3; fi; exec sleep 1000';

const isRunning = async (host: Host, container: string) =>
  (await inspect(host, container, '{{.State.Running}}')) === 'true';

prove(() => ground, {
  playbook: 'docker.restart',
  when: 'a container has ended with an error and its cause is gone',
  async breakIt(host) {
    await host.writeFile(FLAG, '');
    const run = ['run', '--detach', '--name', 'worker', '--network', 'none', '--volume', '/srv/worker:/data'];
    // As process 1 it would not hear SIGTERM, and every restart would wait for 20 s.
    await docker(host, ...run, '--stop-signal', 'KILL', 'box:1', 'sh', '-c', WORKER);
    await host.waitFor(async () => !(await isRunning(host, 'worker')));
  },
  sees: { diagnostic: 'docker', kind: 'docker.exited' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await isRunning(host, 'worker'), true),
  spoil: {
    how: 'the container ends again',
    breakIt: (host) => host.writeFile(FLAG, ''),
    parameters: { container: 'worker', watch: '20s' },
    undo: 'done',
    // It ran before, so it is started once more, and by then the flag is gone.
    undone: async (host) => assert.equal(await isRunning(host, 'worker'), true),
  },
  clear: (host) => host.exec(['docker', 'rm', '--force', 'worker'], { okCodes: 'any' }),
});

const COMPOSE_FILE = `version: "2.4"
services:
  web:
    image: shop/web:latest
    network_mode: none
    command: ["sleep", "1000"]
    stop_signal: SIGKILL
`;
/** Two looks a second cost a tenth of a core for as long as the container runs, so it has them where they are looked at. */
const HEALTH = '    healthcheck: { test: ["CMD", "test", "!", "-e", "/sick"], interval: 500ms, retries: 1 }\n';

const imageOf = async (host: Host, container: string) => inspect(host, container, '{{.Image}}');
const idOf = async (host: Host, image: string) => docker(host, 'image', 'inspect', '--format', '{{.Id}}', image);

prove(() => ground, {
  playbook: 'compose.redeploy',
  when: 'a service runs an older image than its name leads to',
  async breakIt(host) {
    await host.writeFile('/srv/shop/docker-compose.yml', COMPOSE_FILE + HEALTH);
    await docker(host, 'tag', 'box:1', 'shop/web:latest');
    await host.exec(['sh', '-c', 'cd /srv/shop && docker-compose up --detach']);
    await waitForHealth(host, 'shop_web_1', 'healthy');
    await docker(host, 'tag', 'box:2', 'shop/web:latest');
  },
  sees: { diagnostic: 'compose', kind: 'compose.image_drift' },
  parameters: { watch: '1s' },
  mended: async (host) => assert.equal(await imageOf(host, 'shop_web_1'), await idOf(host, 'box:2')),
  spoil: {
    how: 'the new image fails its health check',
    breakIt: (host) => docker(host, 'tag', 'box:sick', 'shop/web:latest'),
    undo: 'done',
    async undone(host) {
      assert.equal(await imageOf(host, 'shop_web_1'), await idOf(host, 'box:2'));
      assert.equal(await idOf(host, 'shop/web:latest'), await idOf(host, 'box:2'));
      await waitForHealth(host, 'shop_web_1', 'healthy');
    },
  },
  clear: (host) => host.exec(['docker', 'rm', '--force', 'shop_web_1'], { okCodes: 'any' }),
});

const exists = async (host: Host, kind: 'image' | 'volume', name: string) =>
  (await host.exec(['docker', kind, 'inspect', name], { okCodes: 'any' })).exitCode === 0;

prove(() => ground, {
  playbook: 'disk.docker_prune',
  when: 'an old image is used by no container',
  async breakIt(host) {
    await loadOldImage(host, 'old/app:1', 60_000_000);
    await loadOldImage(host, 'old/stopped:1', 1000);
    await docker(host, 'tag', 'old/stopped:1', 'old/stopped:spare');
    await docker(host, 'tag', 'old/app:1', 'old/app:spare');
    await docker(host, 'create', '--name', 'stopped', '--network', 'none', 'old/stopped:1', '/none');
    await docker(host, 'volume', 'create', 'data');
  },
  sees: { diagnostic: 'docker', kind: 'docker.reclaimable' },
  parameters: { watch: '1s' },
  async mended(host) {
    assert.equal(await exists(host, 'image', 'old/app:1'), false);
    assert.equal(await exists(host, 'image', 'old/app:spare'), false);
    for (const tag of ['1', 'spare'])
      assert.equal(await exists(host, 'image', `old/stopped:${tag}`), true, 'a container that does not run uses it');
    assert.equal(await exists(host, 'image', 'box:2'), true, 'it is younger than asked for');
    assert.equal(await exists(host, 'volume', 'data'), true);
  },
  spoil: {
    how: 'a container ends soon after the step',
    async breakIt(host) {
      await loadOldImage(host, 'old/app:2', 1000);
      const wait = 'while test ! -e /data/go; do sleep 0.1; done';
      const run = ['run', '--detach', '--name', 'brief', '--network', 'none', '--volume', '/srv/brief:/data'];
      await docker(host, ...run, 'box:1', 'sh', '-c', wait);
      const go = `${await untilNextStep(host)}; touch /srv/brief/go`;
      await host.exec(['systemd-run', '--collect', '--unit=brief-go', 'sh', '-c', go]);
    },
    parameters: { until: '168h', watch: '20s' },
    undo: 'impossible',
    undone: async (host) => assert.equal(await exists(host, 'image', 'old/app:2'), false),
  },
  clear: (host) => host.exec(['docker', 'rm', '--force', 'stopped', 'brief'], { okCodes: 'any' }),
});

const startSleeper = (host: Host, name: string, ...options: string[]) =>
  docker(host, 'run', '--detach', '--name', name, '--network', 'none', ...options, 'box:1', 'sleep', '1000');

const removeAll = (host: Host, ...names: string[]) =>
  host.exec(['docker', 'rm', '--force', ...names], { okCodes: 'any' });

async function findings(diagnostic: string, parameters: Record<string, string> = {}) {
  const { assistant, name } = ground;
  return (await assistant('runDiagnostic', { server: name, diagnostics: [diagnostic as never], parameters })).findings;
}

const askRestart = (parameters: Record<string, string>) =>
  ground.assistant('runPlaybook', {
    server: ground.name,
    playbook: 'docker.restart',
    parameters: { watch: '1s', ...parameters },
    reason: 'It hangs.',
  });

hostTest('T14: when a container is unhealthy, what it said is shown with its secrets blacked out', async () => {
  const { host } = ground;
  const check = [
    '--health-cmd',
    'echo token=hunter2hunter2; exit 1',
    '--health-interval',
    '300ms',
    '--health-retries',
    '1',
  ];
  const run = ['run', '--detach', '--name', 'sick', '--network', 'none', ...check, 'box:1'];
  try {
    await docker(host, ...run, 'sh', '-c', 'echo starting; echo error: password=hunter2secret >&2; exec sleep 1000');
    await waitForHealth(host, 'sick', 'unhealthy');
    // Its health check runs beside it, and may have spoken first.
    await host.waitFor(['sh', '-c', 'docker logs sick 2>&1 | grep -q error']);
    const unhealthy = (await findings('docker')).find(({ kind }) => kind === 'docker.unhealthy');
    assert.match(unhealthy?.title ?? '', /^Container sick runs but is unhealthy/);
    assert.equal(unhealthy?.evidence.length, 2);
    const lines = await findings('logs', { container: 'sick' });
    assert.equal(
      lines.find(({ kind }) => kind === 'logs.errors')?.title,
      'container sick has 1 error line and 0 warnings.',
    );
    const said = JSON.stringify([unhealthy, lines]);
    assert.match(said, /starting/);
    assert.doesNotMatch(said, /hunter2/);
  } finally {
    await removeAll(host, 'sick');
  }
});

hostTest(
  'T8: when the name of a container comes to mean another one after it was asked for, nothing is restarted',
  async () => {
    const { host, world } = ground;
    try {
      const old = await startSleeper(host, 'twin', '--stop-signal', 'KILL');
      const { action } = await askRestart({ container: 'twin', id: old });
      assert.ok(action);
      await removeAll(host, 'twin');
      const other = await startSleeper(host, 'twin', '--stop-signal', 'KILL');
      const since = await inspect(host, 'twin', '{{.State.StartedAt}}');
      await world.owner('approveAction', { action: action.id, digest: action.digest, typed_server: ground.name });
      const ended = await eventually('the action to end', async () => {
        const now = await world.owner('getAction', { action: action.id });
        return now.state === 'refused' ? now : undefined;
      });
      assert.equal(ended.result, null);
      assert.notEqual(other, old);
      await assert.rejects(askRestart({ container: 'twin', id: old }), { code: 'precondition_failed' });
      assert.equal(await inspect(host, 'twin', '{{.State.StartedAt}}'), since);
    } finally {
      await removeAll(host, 'twin');
    }
  },
);

hostTest(
  'when the policy of the server denies a container, by its name, id or project, it is not restarted',
  async () => {
    const { host } = ground;
    try {
      const id = await startSleeper(
        host,
        'ledger',
        '--label',
        'com.docker.compose.project=books',
        '--label',
        'com.docker.compose.service=db',
      );
      await startSleeper(host, 'countersign-db');
      const code = async (container: string) => {
        await serverOnline(ground.world, ground.server);
        const asked = await askRestart({ container }).catch((error: { code?: string }) => error);
        return 'code' in asked ? asked.code : 'asked';
      };
      assert.equal(await code('countersign-db'), 'server_policy_denies');
      assert.equal(await code(id.slice(0, 12)), 'precondition_failed');
      try {
        await ground.tellPolicy(`${OPEN_POLICY}containers: {deny: ["led*"]}\n`);
        assert.equal(await code('ledger'), 'server_policy_denies');
        await ground.tellPolicy(`${OPEN_POLICY}containers: {deny: [books]}\n`);
        assert.equal(await code('ledger'), 'server_policy_denies');
      } finally {
        await ground.tellPolicy(OPEN_POLICY);
      }
      assert.equal(await code('ledger'), 'asked');
    } finally {
      await removeAll(host, 'ledger', 'countersign-db');
    }
  },
);

hostTest('when a Compose file cannot be read, that is found, and nothing is deployed from it', async () => {
  const { host } = ground;
  const file = '/srv/blog/docker-compose.yml';
  try {
    await docker(host, 'tag', 'box:1', 'shop/web:latest');
    await host.writeFile(file, COMPOSE_FILE);
    await host.exec(['sh', '-c', 'cd /srv/blog && docker-compose up --detach']);
    await host.writeFile(file, COMPOSE_FILE.replace('sleep", "1000', 'sleep", "2000'));
    const drift = (await findings('compose', { project: 'blog' })).find(({ kind }) => kind === 'compose.drift');
    assert.deepEqual(drift?.suggestions[0]?.parameters, { project: 'blog', service: 'web' });
    await host.writeFile(file, `${COMPOSE_FILE}  web: nonsense\n`);
    const invalid = (await findings('compose', { project: 'blog' })).find(
      ({ kind }) => kind === 'compose.invalid_file',
    );
    assert.match(invalid?.title ?? '', /Compose cannot read \/srv\/blog\/docker-compose.yml of project blog/);
    const parameters = { project: 'blog', service: 'web' };
    const asked = { server: ground.name, playbook: 'compose.redeploy', parameters, reason: 'It is old.' };
    await assert.rejects(ground.assistant('runPlaybook', asked), { code: 'precondition_failed' });
  } finally {
    await removeAll(host, 'blog_web_1');
  }
});

hostTest(
  'when a service is to run a fetched image or a former one, it does, and the fetched one is known by its digest',
  async () => {
    const { host } = ground;
    await using registry = await serveImage(host.gateway, await boxLayer(host));
    const redeploy = async (more: Record<string, string | boolean>) => {
      const parameters = { project: 'news', service: 'web', watch: '1s', ...more };
      const ended = await carryOut(ground, { playbook: 'compose.redeploy' }, parameters);
      assert.equal(ended.state, 'succeeded', JSON.stringify(ended.result));
    };
    try {
      await docker(host, 'tag', 'box:1', registry.image);
      await host.writeFile('/srv/news/docker-compose.yml', COMPOSE_FILE.replace('shop/web:latest', registry.image));
      await host.exec(['sh', '-c', 'cd /srv/news && docker-compose up --detach']);
      await redeploy({ pull: true });
      assert.equal(await imageOf(host, 'news_web_1'), await idOf(host, registry.digest));
      await redeploy({ image: (await idOf(host, 'box:1')).replace('sha256:', '') });
      assert.equal(await imageOf(host, 'news_web_1'), await idOf(host, 'box:1'));
      const pruned = await carryOut(ground, { playbook: 'disk.docker_prune' }, { until: '168h', watch: '1s' });
      assert.equal(pruned.state, 'succeeded', JSON.stringify(pruned.result));
      assert.equal(await exists(host, 'image', registry.digest), false);
      assert.ok(JSON.stringify(pruned).includes(`docker pull ${registry.digest}`), JSON.stringify(pruned));
      await docker(host, 'pull', registry.digest);
    } finally {
      await removeAll(host, 'news_web_1');
    }
  },
);

hostTest(
  "when root's own configuration leads to the Docker of another server, that of this one is looked at",
  async () => {
    const { host } = ground;
    try {
      await startSleeper(host, 'here', '--stop-signal', 'KILL');
      await docker(host, 'context', 'create', 'elsewhere', '--docker', 'host=tcp://127.0.0.1:1');
      await docker(host, 'context', 'use', 'elsewhere');
      await assert.rejects(docker(host, 'ps'));
      const kinds = (await findings('docker')).map(({ kind }) => kind);
      assert.ok(!kinds.includes('docker.daemon_down'), kinds.join());
      const ended = await carryOut(ground, { playbook: 'docker.restart' }, { container: 'here', watch: '1s' });
      assert.equal(ended.state, 'succeeded', JSON.stringify(ended.result));
    } finally {
      await host.exec(['docker', 'context', 'use', 'default'], { okCodes: 'any' });
      await removeAll(host, 'here');
    }
  },
);

hostTest('when the Docker daemon is down, that is found, and its restart is offered', async () => {
  const { host } = ground;
  await host.exec(['systemctl', 'stop', 'docker.socket', 'docker.service']);
  const [down] = await findings('docker');
  assert.deepEqual([down?.kind, down?.severity], ['docker.daemon_down', 'critical']);
  assert.deepEqual(down?.suggestions[0]?.parameters, { unit: 'docker.service' });
  assert.match(JSON.stringify(await findings('compose')), /the Docker daemon does not answer/);
  assert.match(JSON.stringify(await findings('logs', { container: 'any' })), /log of any could not be seen/);
  await host.exec(['systemctl', 'start', 'docker.service']);
});
