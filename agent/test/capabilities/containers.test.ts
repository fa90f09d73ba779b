import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerTime, jsonLines } from '@countersign/agent/capabilities/containers/ask-docker';
import { composeOf } from '@countersign/agent/capabilities/containers/compose-labels';
import { composeArgv, parseHashes } from '@countersign/agent/capabilities/containers/compose-project';
import { mergeStreams } from '@countersign/agent/capabilities/containers/container-log';
import { troubleOf } from '@countersign/agent/capabilities/containers/docker';
import { type Container, parseContainers } from '@countersign/agent/capabilities/containers/read-containers';
import { unusedImages } from '@countersign/agent/capabilities/containers/read-images';
import { parseOwnContainer } from '@countersign/agent/host/own-container';

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
