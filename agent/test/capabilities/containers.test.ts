import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerTime, jsonLines } from '@countersign/agent/capabilities/containers/ask-docker';
import { composeOf, withoutImageLabels } from '@countersign/agent/capabilities/containers/compose-labels';
import { composeArgv, parseHashes, readProjects } from '@countersign/agent/capabilities/containers/compose-project';
import { composeUp } from '@countersign/agent/capabilities/containers/compose-up';
import { mergeStreams } from '@countersign/agent/capabilities/containers/container-log';
import { troubleOf } from '@countersign/agent/capabilities/containers/docker';
import { dockerPrune } from '@countersign/agent/capabilities/containers/docker-prune';
import { type Container, parseContainers } from '@countersign/agent/capabilities/containers/read-containers';
import { readImages, referencesOf, unusedImages } from '@countersign/agent/capabilities/containers/read-images';
import type { ExecRequest } from '@countersign/agent/host/execution';
import { parseOwnContainer } from '@countersign/agent/host/own-container';
import { journaled, Place } from './context.ts';

const NOW = Date.parse('2026-11-21T14:00:00Z');
const ID = '496a053d556179c1420e19e1560770b5ff826b35f1cd8b95487311b9128a63ff';

/** A line as `docker container inspect` prints it in our format; `state` goes over a running one. */
function line(state: object = {}, more: object = {}): string {
  return JSON.stringify({
    id: ID,
    name: '/web',
    image: 'shop/web:latest',
    image_id: `sha256:${ID}`,
    restarts: 0,
    policy: 'always',
    labels: null,
    state: {
      Status: 'running',
      Running: true,
      Paused: false,
      Restarting: false,
      OOMKilled: false,
      ExitCode: 0,
      Error: '',
      StartedAt: '2026-11-21T13:59:00.1Z',
      FinishedAt: '0001-01-01T00:00:00Z',
      ...state,
    },
    ...more,
  });
}

const container = (state: object = {}, more: object = {}): Container =>
  parseContainers(line(state, more))[0] ?? assert.fail('it was not understood');
const kindOf = (state: object, more: object = {}) => troubleOf(container(state, more), NOW)?.kind ?? 'none';
const ended = { Status: 'exited', Running: false, FinishedAt: '2026-11-21T13:50:00Z' };

test('when containers are in trouble, each is known by what Docker says of it', () => {
  assert.equal(kindOf({}), 'none');
  assert.equal(kindOf({ Status: 'restarting', Restarting: true, ExitCode: 3 }), 'docker.restart_loop');
  assert.equal(kindOf({}, { restarts: 5 }), 'docker.restart_loop');
  assert.equal(kindOf({ StartedAt: '2026-11-20T13:00:00Z' }, { restarts: 5 }), 'none');
  assert.equal(kindOf({ Status: 'restarting', Restarting: true, OOMKilled: true }), 'docker.oom_killed');
  const health = { Status: 'unhealthy', FailingStreak: 4, Log: [{ Output: 'no answer' }] };
  assert.equal(kindOf({ Health: health }), 'docker.unhealthy');
  assert.equal(kindOf({ ...ended, ExitCode: 1 }), 'docker.exited');
  assert.equal(kindOf({ ...ended, ExitCode: 0 }), 'none');
  assert.equal(kindOf({ ...ended, ExitCode: 1, FinishedAt: '2026-11-19T00:00:00Z' }), 'none');
  assert.equal(kindOf({ ...ended, ExitCode: 137, OOMKilled: true }), 'docker.oom_killed');
});

test('when somebody stopped a container, that is told but alarms nobody', () => {
  for (const ExitCode of [130, 137, 143])
    assert.equal(troubleOf(container({ ...ended, ExitCode }), NOW)?.severity, 'info');
  assert.equal(troubleOf(container({ ...ended, ExitCode: 1 }), NOW)?.severity, 'warning');
});

test('when a finding offers a restart, it names the container by its whole id', () => {
  const [restart] = troubleOf(container({ ...ended, ExitCode: 1 }), NOW)?.suggestions ?? [];
  assert.deepEqual(restart?.parameters, { container: 'web', id: ID });
});

test('when Docker prints something that is not known here, it is left out and the rest is read', () => {
  const text = ['{"id":', '[]', '{"id":7}', line({ Running: 'yes' }), '', line()].join('\n');
  assert.deepEqual(
    parseContainers(text).map(({ name }) => name),
    ['web'],
  );
  assert.deepEqual(jsonLines('null\n{}\nx\n'), [null, {}]);
  assert.equal(dockerTime('0001-01-01T00:00:00Z'), null);
  assert.equal(dockerTime('yesterday'), null);
});

test('when both streams of a log are read, lines stand in the order of their times and keys are blacked out', () => {
  const stdout = '2026-11-21T13:58:01.1Z one\n2026-11-21T13:58:03.1Z three\n';
  const key = ['BEGIN PRIVATE KEY', 'MIIEvQ', 'END PRIVATE KEY'].map((text) =>
    text.replace(/^(BEGIN|END).*/, '-----$&-----'),
  );
  const stderr = `2026-11-21T13:58:02.1Z two\n${key.map((text) => `2026-11-21T13:58:04.1Z ${text}\n`).join('')}`;
  assert.deepEqual(mergeStreams(stdout, stderr), [
    '2026-11-21T13:58:01Z one',
    '2026-11-21T13:58:02Z two',
    '2026-11-21T13:58:03Z three',
    `2026-11-21T13:58:04Z ${key[0]}`,
    '2026-11-21T13:58:04Z [redacted]',
    `2026-11-21T13:58:04Z ${key[2]}`,
  ]);
});

const labels = (more: Record<string, string>) => ({
  labels: {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'web',
    'com.docker.compose.project.working_dir': '/srv/shop',
    ...more,
  },
});

test('when Compose labels a container, files are found as v1 and v2 name them', () => {
  const files = (list: string) => composeOf(labels({ 'com.docker.compose.project.config_files': list }))?.files;
  assert.deepEqual(files('docker-compose.yml,more.yml'), ['/srv/shop/docker-compose.yml', '/srv/shop/more.yml']);
  assert.deepEqual(files('/srv/shop/compose.yaml'), ['/srv/shop/compose.yaml']);
  assert.deepEqual(files('../../etc/shadow'), []);
  assert.equal(composeOf(labels({ 'com.docker.compose.oneoff': 'True' })), null);
  assert.equal(
    composeOf({ labels: { 'com.docker.compose.project': '--all', 'com.docker.compose.service': 'x' } }),
    null,
  );
  assert.equal(composeOf({ labels: {} }), null);
});

test('when Compose is called for a project, its own files are named', () => {
  const project = { name: 'shop', folder: '/srv/shop', files: ['/srv/shop/a.yml'], environmentFile: null, members: [] };
  assert.deepEqual(composeArgv(['docker-compose'], project, ['config']), [
    'docker-compose',
    '--project-name',
    'shop',
    '--project-directory',
    '/srv/shop',
    '--file',
    '/srv/shop/a.yml',
    'config',
  ]);
  assert.deepEqual([...parseHashes(`web ${ID}\nwarning: x\ndb 12\n`)], [['web', ID]]);
});

test('when images are looked through, only old ones that no container uses are unused', () => {
  const image = (id: string, createdAt: number | null) => ({ id, tags: [], digests: [], createdAt, bytes: 1 });
  const images = [image('old', 1), image('used', 1), image('young', 9), image('ageless', null)];
  assert.deepEqual(
    unusedImages(images, [{ imageId: 'used' }], 5).map(({ id }) => id),
    ['old'],
  );
});

test('when the agent runs in a container, its own is known by the files that Docker mounts into it', () => {
  const mounted = `1 2 0:3 /var/lib/docker/containers/${ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n`;
  assert.equal(parseOwnContainer(mounted), ID);
  assert.equal(parseOwnContainer('1 2 0:3 / / rw - ext4 /dev/sda1 rw\n'), null);
  const other = `1 2 0:3 /var/lib/docker/containers/${ID}/x /srv/x rw - ext4 /dev/sda1 rw\n`;
  assert.equal(parseOwnContainer(other), null);
});

/** A context in which `docker` prints what `answers` has for its first two words, and what was started. */
function dockerSaying(place: Place, answers: Readonly<Record<string, string>>) {
  const started: ExecRequest[] = [];
  const exec = async (request: ExecRequest) => {
    started.push(request);
    const said = answers[request.argv.slice(1, 3).join(' ')] ?? answers[request.argv[1] ?? ''] ?? '';
    return {
      ...{ exitCode: 0, signal: null, stdout: said, stderr: '', timedOut: false, truncated: false, ms: 1 },
      notStarted: null,
    };
  };
  return { context: { ...place.change(), exec }, started };
}

test("when root's own configuration leads Docker elsewhere, the daemon of this server is asked all the same", async () => {
  using place = new Place();
  const { context, started } = dockerSaying(place, {});
  await readImages(context);
  await readProjects(context);
  assert.ok(started.length > 1);
  for (const { env } of started) assert.equal(env?.DOCKER_HOST, 'unix:///var/run/docker.sock');
});

test('T6: when an image brings labels of Compose, they name no file, and its container belongs to no project', async () => {
  using place = new Place();
  const files = { 'com.docker.compose.project.config_files': '/srv/uploads/evil.yml' };
  const own = { ...labels({ ...files, 'com.docker.compose.config-hash': ID }).labels };
  assert.deepEqual(composeOf(withoutImageLabels({ labels: own }, files))?.files, []);
  assert.deepEqual(composeOf(withoutImageLabels({ labels: own }, {}))?.files, ['/srv/uploads/evil.yml']);
  assert.equal(composeOf(withoutImageLabels({ labels: own }, undefined))?.configHash, null);
  const projects = async (image: Record<string, string>) => {
    const { context } = dockerSaying(place, {
      ps: ID,
      'container inspect': line({}, { labels: own }),
      'image inspect': JSON.stringify({ id: `sha256:${ID}`, labels: image }),
    });
    return (await readProjects(context)).map(({ name, files: all }) => [name, all]);
  };
  assert.deepEqual(await projects(own), []);
  assert.deepEqual(await projects({}), [['shop', ['/srv/uploads/evil.yml']]]);
});

const pruned = (more: object = {}) =>
  JSON.stringify({
    ...{ id: 'sha256:b', tags: ['shop/web:1', 'shop/web:old'], digests: [], created: '2020-01-01T00:00:00Z', size: 9 },
    ...more,
  });

test('when images are deleted, they are named one by one, and nothing is when others are unused by then', async () => {
  using place = new Place();
  const asked = { until: '168h', builder: false };
  const before = { 'image ls': 'sha256:b', 'image inspect': pruned() };
  const { preview } = await dockerPrune.preview(asked, dockerSaying(place, before).context);
  assert.deepEqual(preview.argv, [['docker', 'image', 'rm', '--', 'shop/web:1', 'shop/web:old']]);
  const { context } = dockerSaying(place, before);
  const memory = journaled(await dockerPrune.remember?.(asked, context));
  const other = dockerSaying(place, {
    ...before,
    'image inspect': `${pruned()}\n${pruned({ id: 'sha256:c', tags: [] })}`,
  });
  await assert.rejects(dockerPrune.perform(asked, memory, other.context), /other images/);
  const moved = dockerSaying(place, { ...before, 'image inspect': pruned({ tags: ['shop/web:1'] }) });
  await assert.rejects(dockerPrune.perform(asked, memory, moved.context), /other images/);
});

test('when an image has tags, digests or neither, all that leads to it is named', () => {
  const names = (tags: string[], digests: string[]) => referencesOf({ id: 'sha256:b', tags, digests });
  assert.deepEqual(names([], []), ['sha256:b']);
  assert.deepEqual(names(['r:5000/a:1'], ['r:5000/a@sha256:1']), ['r:5000/a:1']);
  assert.deepEqual(names(['a:1'], ['a@sha256:1', 'b@sha256:2']), ['a:1', 'b@sha256:2']);
});

test('when the file names another image than runs, that name leads afterwards where it led, or its image would be lost', async () => {
  using place = new Place();
  const own = { ...labels({ 'com.docker.compose.config-hash': ID }).labels };
  const files = { 'com.docker.compose.project.config_files': '/srv/shop/a.yml' };
  const back = async (named: string) => {
    const { context } = dockerSaying(place, {
      ps: ID,
      'container inspect': line({}, { image: 'shop/web:1', labels: { ...own, ...files } }),
      'image inspect': `${pruned({ id: 'sha256:new', labels: null })}\n${pruned({ id: `sha256:${ID}`, labels: {} })}`,
      compose: `services: { web: { image: '${named}' } }`,
    });
    const memory = (await composeUp.remember?.({ project: 'shop', service: 'web', pull: false }, context)) as {
      back: string[][];
    };
    return memory.back.map((argv) => (argv[1] === 'tag' ? argv.slice(3) : argv.slice(-1)));
  };
  assert.deepEqual(await back('shop/web:2'), [[`sha256:${ID}`, 'shop/web:2'], ['web'], ['sha256:new', 'shop/web:2']]);
  assert.deepEqual(await back('shop/web:1'), [[`sha256:${ID}`, 'shop/web:1'], ['web']]);
});
