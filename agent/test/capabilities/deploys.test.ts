/** Deploys without a unit, on this very machine: real folders, links, git, and a real web server. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { appsSchema } from '@countersign/agent/capabilities/deploys/app';
import { deploy } from '@countersign/agent/capabilities/deploys/deploy';
import { judge } from '@countersign/agent/capabilities/deploys/error-rate';
import { gitHeadOf } from '@countersign/agent/capabilities/deploys/git-head';
import { parseTips } from '@countersign/agent/capabilities/deploys/git-source';
import { pullRelease } from '@countersign/agent/capabilities/deploys/pull-release';
import { switchRelease } from '@countersign/agent/capabilities/deploys/switch-release';
import { verdictOf, verifyDeploy } from '@countersign/agent/capabilities/deploys/verify';
import { namesRelease, versionsIn } from '@countersign/agent/capabilities/deploys/version';
import type { DeployCheck } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import { journaled, Place } from './context.ts';

const GIT = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a@b.c' };
const git = (folder: string, ...words: string[]) =>
  execFileSync('git', ['-C', folder, ...words], {
    encoding: 'utf8',
    env: { ...process.env, ...GIT, GIT_COMMITTER_NAME: 'a', GIT_COMMITTER_EMAIL: 'a@b.c' },
    stdio: ['ignore', 'pipe', 'ignore'],
  }).trim();

/** Answers 200 while the current release has a file `well`, and says the name of that release. */
async function serve(root: string) {
  const server = createServer((request, response) => {
    const current = readlinkSync(join(root, 'current'));
    const well = request.url === '/version' || !current.endsWith('broken');
    response.writeHead(well ? 200 : 500).end(`{"version":"${current.split('/').at(-1)}"}`);
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void server.close() };
}

function released(place: Place, ...names: string[]): void {
  for (const name of names) mkdirSync(place.at(`releases/${name}`), { recursive: true });
  rmSync(place.at('current'), { force: true });
  symlinkSync(`releases/${names.at(-1)}`, place.at('current'));
}

const rulesOf = (place: Place, more: object = {}) => ({
  apps: appsSchema.parse({ shop: { root: place.root, ...more } }),
});

test('when a release is not well, the one before is offered by its name, and not once it was seen to be broken itself', async () => {
  using place = new Place();
  released(place, '20261119', '20261120');
  using server = await serve(place.root);
  const rules = rulesOf(place, { health: server.url, version: `${server.url}/version` });
  const context = { ...place.observe(rules), stateDir: place.stateDir };
  assert.equal((await verifyDeploy({ app: 'shop', baseline: '30m' }, context)).verdict, 'pass');
  released(place, '20261119', '20261120', '20261121-broken');
  const report = await deploy({ app: 'shop' }, context);
  const [worst] = report.findings;
  assert.equal(worst?.kind, 'deploy.unhealthy');
  assert.match(worst.title, /20261121-broken.*answers 500/);
  assert.deepEqual(worst.suggestions[0]?.parameters, { app: 'shop', to: '20261120' });
  assert.match(worst.suggestions[0]?.why ?? '', /was well .* ago/);
  released(place, '20261119-broken', '20261121-broken');
  symlinkSync('releases/20261119-broken', place.at('next'));
  execFileSync('mv', ['-T', place.at('next'), place.at('current')]);
  rmSync(place.at('releases/20261120'), { recursive: true });
  await deploy({}, context);
  released(place, '20261121-broken');
  const again = await deploy({}, context);
  assert.equal(again.findings[0]?.kind, 'deploy.unhealthy');
  const offers = again.findings.flatMap(({ suggestions }) => suggestions).map(({ playbook }) => playbook);
  assert.deepEqual(offers, [], 'the only way back leads to a release that was seen to fail');
});

test('when nothing is declared, or no release is current, the diagnosis says so and does not fail', async () => {
  using place = new Place();
  assert.equal((await deploy({}, place.observe())).findings[0]?.kind, 'deploy.not_declared');
  const rules = rulesOf(place);
  assert.equal((await deploy({ app: 'blog' }, place.observe(rules))).findings[0]?.kind, 'deploy.not_declared');
  assert.match((await deploy({}, place.observe(rules))).findings[0]?.title ?? '', /there is no folder/);
  released(place, 'one');
  rmSync(place.at('releases/one'), { recursive: true });
  assert.match((await deploy({}, place.observe(rules))).findings[0]?.title ?? '', /is not there/);
  rmSync(place.at('current'));
  symlinkSync('/etc', place.at('current'));
  assert.match((await deploy({}, place.observe(rules))).findings[0]?.title ?? '', /no release/);
});

test('when files of a release changed after it was deployed, they are told, and what programs write is not', async () => {
  using place = new Place();
  released(place, 'one');
  mkdirSync(place.at('releases/one/log'));
  const later = Date.now() / 1000 + 60;
  for (const name of ['app.js', 'log/production.log', 'app.pid']) {
    writeFileSync(place.at(`releases/one/${name}`), 'x');
    utimesSync(place.at(`releases/one/${name}`), later, later);
  }
  const { findings } = await deploy({}, place.observe(rulesOf(place)));
  const differs = findings.find(({ kind }) => kind === 'deploy.differs');
  assert.match(differs?.title ?? '', /^1 file of release one/);
  assert.match(differs?.evidence[0]?.untrusted_output ?? '', /app\.js/);
});

test('when another release becomes current and is taken back, the link is as it was, word for word', async () => {
  using place = new Place();
  released(place, 'one', 'two');
  const rules = rulesOf(place, { migrations: 'db' });
  mkdirSync(place.at('releases/two/db'));
  writeFileSync(place.at('releases/two/db/0002_prices.sql'), '');
  const asked = { app: 'shop', to: 'one' };
  const { preview, witness } = await switchRelease.preview(asked, place.observe(rules));
  const beside = `${place.at('current')}.countersign-new`;
  assert.deepEqual(preview.argv, [
    ['ln', '-sfnT', '--', 'releases/one', beside],
    ['mv', '-T', '--', beside, place.at('current')],
  ]);
  assert.match(preview.effects.join(' '), /0002_prices\.sql/);
  assert.match(preview.effects.join(' '), /never verified/);
  assert.ok(witness.some(({ subject, property }) => subject === 'release one' && property === 'identity'));
  const change = place.change({ rules });
  const memory = journaled(await switchRelease.remember?.(asked, change));
  assert.equal((await switchRelease.perform(asked, memory, change)).exit_code, 0);
  assert.equal(readlinkSync(place.at('current')), 'releases/one');
  await assert.rejects(switchRelease.preview(asked, place.observe(rules)), { code: 'precondition_failed' });
  assert.equal((await switchRelease.undo?.(asked, memory, change))?.exit_code, 0);
  assert.equal(readlinkSync(place.at('current')), 'releases/two');
});

test('T15: when the migrations of a release lead elsewhere by a link, nothing of what lies there is told', async () => {
  using place = new Place();
  released(place, 'one', 'two');
  mkdirSync(place.at('private'));
  writeFileSync(place.at('private/plan-to-fire-bob'), '');
  symlinkSync(place.at('private'), place.at('releases/two/db'));
  const { preview } = await switchRelease.preview(
    { app: 'shop', to: 'one' },
    place.observe(rulesOf(place, { migrations: 'db' })),
  );
  assert.doesNotMatch(JSON.stringify(preview), /bob/);
});

test('when a release is not there, was made anew, or is no folder of its own, nothing is switched', async () => {
  using place = new Place();
  released(place, 'one', 'two');
  const rules = rulesOf(place);
  await assert.rejects(switchRelease.preview({ app: 'shop', to: 'three' }, place.observe(rules)), /no release three/);
  symlinkSync('/etc', place.at('releases/evil'));
  await assert.rejects(switchRelease.preview({ app: 'shop', to: 'evil' }, place.observe(rules)), /no release evil/);
  await assert.rejects(switchRelease.preview({ app: 'blog', to: 'one' }, place.observe(rules)), /no app blog/);
  const change = place.change({ rules });
  const memory = journaled(await switchRelease.remember?.({ app: 'shop', to: 'one' }, change));
  rmSync(place.at('releases/one'), { recursive: true });
  mkdirSync(place.at('releases/other'));
  mkdirSync(place.at('releases/one'));
  await assert.rejects(switchRelease.perform({ app: 'shop', to: 'one' }, memory, change), /another folder/);
  assert.equal(readlinkSync(place.at('current')), 'releases/two');
});

test('when a commit is asked for, only one on an allowed branch is deployed', async () => {
  using place = new Place();
  const work = place.at('work');
  git(place.root, 'init', '--quiet', '--initial-branch=main', work);
  const commit = (words: string) => {
    git(work, 'commit', '--quiet', '--allow-empty', '-m', words);
    return git(work, 'rev-parse', 'HEAD');
  };
  const first = commit('first');
  commit('second');
  git(work, 'checkout', '--quiet', '-b', 'wild');
  const wild = commit('wild');
  git(place.root, 'clone', '--quiet', '--bare', work, place.at('repo'));
  released(place, 'zero');
  const rules = rulesOf(place, { repository: 'repo', refs: ['main'] });
  const preview = (ref: string) => pullRelease.preview({ app: 'shop', ref }, place.observe(rules));
  assert.match((await preview('main')).preview.effects[0] ?? '', /to main, commit/);
  assert.match((await preview(first)).preview.effects[0] ?? '', new RegExp(first));
  await assert.rejects(preview('wild'), /does not allow wild/);
  await assert.rejects(preview(wild), /on no branch or tag/);
  await assert.rejects(preview('a'.repeat(40)), /on no branch or tag/);
  const change = place.change({ rules });
  const memory = journaled(await pullRelease.remember?.({ app: 'shop', ref: first }, change));
  assert.equal((await pullRelease.perform({ app: 'shop', ref: first }, memory, change)).exit_code, 0);
  const path = place.at(`releases/${first.slice(0, 12)}`);
  assert.equal(readlinkSync(place.at('current')), `releases/${first.slice(0, 12)}`);
  assert.equal(gitHeadOf(path), first);
  await assert.rejects(preview(first), /there already/);
  assert.equal((await pullRelease.undo?.({ app: 'shop', ref: first }, memory, change))?.exit_code, 0);
  assert.equal(readlinkSync(place.at('current')), 'releases/zero');
});

test("when the owner's program deploys, it is started only as it was pinned", async () => {
  using place = new Place();
  released(place, 'one', 'two');
  const path = place.at('deploy.sh');
  const text = `#!/bin/sh\ncd ${place.root} && ln -sfnT releases/one current && echo "deployed $1"\n`;
  writeFileSync(path, text, { mode: 0o755 });
  const rules = rulesOf(place, { refs: ['main', 'v*'], script: { path, sha256: sha256(text) } });
  const asked = { app: 'shop', ref: 'v1.2' };
  assert.deepEqual((await pullRelease.preview(asked, place.observe(rules))).preview.argv, [[path, 'v1.2']]);
  await assert.rejects(pullRelease.preview({ app: 'shop', ref: 'wild' }, place.observe(rules)), /does not allow wild/);
  const change = place.change({ rules });
  const memory = journaled(await pullRelease.remember?.(asked, change));
  assert.equal((await pullRelease.perform(asked, memory, change)).exit_code, 0);
  assert.match(place.output.join(''), /deployed v1\.2/);
  await pullRelease.undo?.(asked, memory, change);
  assert.equal(readlinkSync(place.at('current')), 'releases/two');
  chmodSync(path, 0o777);
  await assert.rejects(pullRelease.preview(asked, place.observe(rules)), /only root can write/);
  chmodSync(path, 0o755);
  writeFileSync(path, `${text}rm -rf /\n`);
  await assert.rejects(pullRelease.perform(asked, memory, change), /not what the policy of the server pinned/);
});

test('T8: when others than root could put another program in the place of the one that was pinned, it is not started', async () => {
  using place = new Place();
  released(place, 'one');
  mkdirSync(place.at('bin'));
  const path = place.at('bin/deploy.sh');
  writeFileSync(path, '#!/bin/sh\n', { mode: 0o755 });
  const rules = rulesOf(place, { refs: ['main'], script: { path, sha256: sha256('#!/bin/sh\n') } });
  const preview = () => pullRelease.preview({ app: 'shop', ref: 'main' }, place.observe(rules));
  assert.equal((await preview()).preview.argv.length, 1);
  chmodSync(place.at('bin'), 0o777);
  await assert.rejects(preview(), /a folder that others than root can write/);
  chmodSync(place.at('bin'), 0o755);
  symlinkSync(place.at('bin'), place.at('link'));
  const led = rulesOf(place, {
    refs: ['main'],
    script: { path: place.at('link/deploy.sh'), sha256: sha256('#!/bin/sh\n') },
  });
  await assert.rejects(pullRelease.preview({ app: 'shop', ref: 'main' }, place.observe(led)), /others than root/);
});

test('T16: when others can write the configuration of a clone of our own, git is not started in it', async () => {
  using place = new Place();
  git(place.root, 'init', '--quiet', '--initial-branch=main', place.at('work'));
  git(place.at('work'), 'commit', '--quiet', '--allow-empty', '-m', 'first');
  git(place.root, 'clone', '--quiet', '--bare', place.at('work'), place.at('repo'));
  released(place, 'zero');
  const rules = rulesOf(place, { repository: 'repo', refs: ['main'] });
  const preview = () => pullRelease.preview({ app: 'shop', ref: 'main' }, place.observe(rules));
  assert.match((await preview()).preview.effects[0] ?? '', /to main, commit/);
  const mark = place.at('ran');
  git(place.at('repo'), 'config', 'remote.origin.url', `ext::sh -c touch% ${mark}`);
  git(place.at('repo'), 'config', 'protocol.ext.allow', 'always');
  chmodSync(place.at('repo/config'), 0o664);
  await assert.rejects(preview(), /others than root can write to .*repo\/config/);
  assert.equal(existsSync(mark), false);
});

test('T8: when an app is a container, it is known by its id and its project, and one that is not there is not deployed to', async () => {
  using place = new Place();
  released(place, 'one', 'two');
  const rules = rulesOf(place, { container: 'books_web_1' });
  const state = { Status: 'running', Running: true, Paused: false, Restarting: false, OOMKilled: false, ExitCode: 0 };
  const times = { Error: '', StartedAt: '2026-11-21T13:59:00Z', FinishedAt: '0001-01-01T00:00:00Z' };
  const inspected = JSON.stringify({
    ...{ id: 'c1', name: '/books_web_1', image: 'web', image_id: 'sha256:1', restarts: 0, policy: 'always' },
    labels: { 'com.docker.compose.project': 'books', 'com.docker.compose.service': 'web' },
    state: { ...state, ...times },
  });
  const preview = (stdout: string) => {
    const exec = async () => ({
      ...{ exitCode: 0, signal: null, stdout, stderr: '', timedOut: false, truncated: false, ms: 1, notStarted: null },
    });
    return switchRelease.preview({ app: 'shop', to: 'one' }, { ...place.observe(rules), exec });
  };
  const { witness } = await preview(inspected);
  assert.deepEqual(
    witness.filter(({ subject }) => /^(container|project) /.test(subject)),
    [
      { subject: 'container books_web_1', property: 'id', value: 'c1' },
      { subject: 'container books_web_1', property: 'state', value: 'up' },
      { subject: 'project books', property: 'service', value: 'web' },
    ],
  );
  await assert.rejects(preview(''), /there is no container books_web_1/);
});

test('when a verdict is made, one failure fails it, and silence is never health', () => {
  const check = (name: DeployCheck['check'], result: DeployCheck['result']) => ({ check: name, result });
  assert.equal(verdictOf([check('http', 'pass'), check('errors', 'unknown')]), 'pass');
  assert.equal(verdictOf([check('http', 'pass'), check('unit', 'unknown')]), 'unknown');
  assert.equal(verdictOf([check('http', 'unknown'), check('errors', 'fail')]), 'fail');
  assert.equal(verdictOf([check('errors', 'pass'), check('version', 'pass')]), 'unknown');
  assert.equal(verdictOf([]), 'unknown');
});

test('when errors are compared with before, noise passes, a flood fails, and an unknown past is unknown', () => {
  const result = (after: number, before: number | null) => judge({ what: 'x', after, before }).result;
  assert.deepEqual(
    [result(1, 0), result(10, 0), result(10, 8), result(30, 8), result(10, null)],
    ['pass', 'fail', 'pass', 'fail', 'unknown'],
  );
});

test('when an app says its version, it is known by folder, version file or commit, and nothing shorter', () => {
  const head = '0123456789abcdef0123456789abcdef01234567';
  const release = { name: '20261121', version: '1.4.2', head };
  assert.deepEqual(versionsIn('{"name":"shop","version":"1.4.2","commit":"0123456"}'), ['1.4.2', '0123456']);
  assert.deepEqual(versionsIn('20261121\nmore'), ['20261121']);
  assert.deepEqual(versionsIn('[1'), ['[1']);
  assert.deepEqual(versionsIn('{"version":3}'), []);
  for (const said of ['20261121', '1.4.2', head, head.slice(0, 7)]) assert.ok(namesRelease([said], release), said);
  for (const said of ['2026112', '1.4', head.slice(0, 6), '']) assert.ok(!namesRelease([said], release), said);
});

test('when git lists what is at origin, branches and tags are taken, annotated tags by their commit', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(40));
  const text = `${a}\trefs/heads/main\n${b}\trefs/tags/v1\n${c}\trefs/tags/v1^{}\n${a}\trefs/pull/1/head\nwarning: x\n`;
  assert.deepEqual(parseTips(text), [
    { ref: 'refs/heads/main', commit: a },
    { ref: 'refs/tags/v1', commit: c },
  ]);
});
