/**
 * T14, whole: 600 secrets of a server go through everything that the product does with text, with its real processes. Then
 * every place is searched where text of a server ends up.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { seededRandom } from '../../protocol/test/seeded-random.ts';
import { type SeededSecret, secretPlaces, seededSecrets } from '../../protocol/test/seeded-secrets.ts';
import { SecretSeeker } from '../../protocol/test/seek-secrets.ts';
import { pairTelegram, type TelegramApprover } from '../world/approvers.ts';
import { type Assistant, connectAssistant, ToolError } from '../world/assistants.ts';
import { eventually } from '../world/eventually.ts';
import { type LocalAgent, startLocalAgent } from '../world/local-agent.ts';
import { node, projectFolder } from '../world/places.ts';
import { startWorld, type World } from '../world/world.ts';

const seed = Number(process.env.COUNTERSIGN_SEED ?? Math.floor(performance.timeOrigin % 2 ** 31));
const secrets = seededSecrets(seededRandom(seed));
const seeker = new SecretSeeker(secrets);
const POLICY = `format: countersign-policy/1
rules:
  - name: everything
    when: { risk: [low, medium, high, critical] }
    ask: { approvals: 1, from: [owner], channels: [telegram, web, cli], strength: form, expires: 15m }
`;
const SERVER = 'web-1';

/** Everything that came out of the control plane over HTTP: answers of the API, of MCP, and events. */
const answered: string[] = [];
const realFetch = globalThis.fetch;
let folder: string;
let world: World;
let telegram: TelegramApprover;
let agent: LocalAgent;
let assistant: Assistant;
let stopEvents: () => void;

before(async () => {
  globalThis.fetch = async (...request) => {
    const answer = await realFetch(...request);
    void answer
      .clone()
      .text()
      .then(
        (text) => answered.push(text),
        () => undefined,
      );
    return answer;
  };
  folder = await realpath(await mkdtemp(join(tmpdir(), 'countersign-secrets-')));
  world = await startWorld({ telegram: true, policy: POLICY });
  telegram = await pairTelegram(world);
  agent = await startLocalAgent(world, SERVER, {
    policy: `mode: act\nmax_risk: critical\ncommands: true\nread_roots: [${folder}]\nwrite_roots: [${folder}]\n`,
  });
  assistant = await connectAssistant('v2', { url: world.url, token: await world.token() });
  stopEvents = await listen();
});

after(async () => {
  globalThis.fetch = realFetch;
  stopEvents?.();
  await assistant?.[Symbol.asyncDispose]();
  await agent?.[Symbol.asyncDispose]();
  await world?.[Symbol.asyncDispose]();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** Reads the live stream as a dashboard does; the recording fetch keeps it when it ends. */
async function listen(): Promise<() => void> {
  const end = new AbortController();
  const { body } = await realFetch(`${world.url}/api/v1/events`, {
    headers: { authorization: `Bearer ${world.ownerSession}` },
    signal: end.signal,
  });
  assert.ok(body);
  void (async () => {
    for await (const piece of body.pipeThrough(new TextDecoderStream())) answered.push(piece);
  })().catch(() => undefined);
  return () => end.abort();
}

const textOf = ({ chunks }: SeededSecret) => chunks.join('');
const placed = Object.entries(Object.groupBy(secrets, ({ place }) => place)).map(([place, those = []], index) => ({
  place,
  secrets: those,
  file: `place-${index}.log`,
}));

/** Approves as a person does who has read the card. */
async function approve(action: string): Promise<void> {
  const { digest, fingerprint } = await world.owner('getAction', { action });
  await telegram.card(fingerprint);
  await world.owner('approveAction', { action, digest, typed_server: SERVER });
}

async function ended(action: string): Promise<void> {
  await eventually(`${action} to end`, async () =>
    ['succeeded', 'failed'].includes((await assistant.call('get_action', { action })).state),
  );
}

async function carriedOut(action: string): Promise<void> {
  await approve(action);
  await ended(action);
}

/** Fails unless nothing can be seen in a text. */
function assertClean(where: string, text: string): void {
  const seen = seeker.seek(text).map(({ secret: { kind, place }, part }) => `${kind} in ${place}: ${part}`);
  assert.deepEqual(seen.slice(0, 20), [], `seed ${seed}: ${seen.length} secrets can be seen in ${where}`);
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

/** The agent's own folder, but for copies of files that stay on the server as they were. */
async function assertAgentClean(): Promise<void> {
  assertClean('what the agent printed', agent.log());
  // A file that is replaced goes away under its old name: then all are read again.
  const files = await eventually('the files of the agent to be read', async () => {
    const names = (await filesBelow(agent.stateDir)).filter((file) => !file.includes('/backups/'));
    return Promise.all(names.map(async (file) => ({ file, text: await readFile(file, 'latin1') })));
  });
  assert.ok(
    files.some(({ file }) => file.includes('journal')),
    files.map(({ file }) => file).join(),
  );
  for (const { file, text } of files) assertClean(file, text);
}

test(`T14: when the search looks at the secrets as they are written, it sees each of the 600 (seed ${seed})`, () => {
  assert.equal(secrets.length, 600);
  assert.equal(secretPlaces.length, 20);
  for (const secret of secrets) {
    const forms = [
      textOf(secret),
      JSON.stringify(JSON.stringify(textOf(secret))),
      Buffer.from(secret.secret).toString('hex'),
    ];
    for (const form of forms)
      assert.ok(
        seeker.seek(form).some((it) => it.secret === secret),
        `${secret.kind}: ${form}`,
      );
  }
});

test(`T14: when files with secrets are read, searched and diagnosed, none comes back (seed ${seed})`, async () => {
  for (const { file, secrets: those } of placed) await writeFile(join(folder, file), those.map(textOf).join(''));
  let lines = 0;
  for (const { file } of placed) {
    const path = join(folder, file);
    for (let from: number | null = 1; from !== null; ) {
      const part = await assistant.call('read_file', { server: SERVER, path, from_line: from, lines: 2000 });
      lines += part.untrusted_output.split('\n').length;
      from = part.next_from_line;
    }
    const found = await assistant.call('run_diagnostic', {
      ...{ server: SERVER, diagnostics: ['logs'], parameters: { file: path, lines: 200 } },
    });
    assert.ok(found.findings.length > 0);
  }
  assert.ok(lines > 600, `${lines} lines were read`);
  for (const text of ['=', ':', 'app', 'key', 'token', 'PASS', '-----', '==', '"', 'A', 'e']) {
    const found = await assistant.call('search_files', { server: SERVER, path: folder, text, max_matches: 200 });
    assert.ok(found.matches.length >= 0);
  }
  assertClean('answers', answered.join('\n'));
});

test(`T14: when steps print secrets, and files around them change, none is shown or kept (seed ${seed})`, async () => {
  const script = join(folder, 'print.mjs');
  await writeFile(join(folder, 'print.json'), JSON.stringify(secrets.map(({ chunks }) => chunks)));
  await writeFile(
    script,
    `import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
const texts = JSON.parse(readFileSync('${folder}/print.json', 'utf8'));
let out = process.stdout;
for (const [number, chunks] of texts.entries()) {
  out = number % 2 === 0 ? process.stdout : process.stderr;
  for (const chunk of chunks) await new Promise((done) => out.write(chunk, done));
}
while (!existsSync('${folder}/seen')) await pause(20);
process.exitCode = 3;
`,
  );
  const failing = await assistant.call('run_command', { server: SERVER, argv: [node, script], timeout_s: 600 });
  await approve(failing.action);
  // The output lies in the agent's folder until the control plane has it.
  await eventually('the whole output to be kept', async () => {
    const file = (await filesBelow(agent.stateDir)).find((name) => name.endsWith(`chunks/${failing.action}.ndjson`));
    const kept = await readFile(file ?? '', 'utf8');
    return kept.includes('ready\\n');
  });
  await assertAgentClean();
  await writeFile(join(folder, 'seen'), '');
  await ended(failing.action);
  const all = await assistant.call('run_command', {
    ...{ server: SERVER, argv: ['cat', ...placed.map(({ file }) => join(folder, file))] },
  });
  await carriedOut(all.action);
  const shown = await world.owner('getAction', { action: all.action });
  assert.equal(shown.state, 'succeeded');
  assert.match(shown.untrusted_output, /\[redacted\]/);

  for (const { file } of placed) {
    const path = join(folder, file);
    const { sha256 } = await assistant.call('read_file', { server: SERVER, path, lines: 1 });
    const asked = await assistant.call('write_file', {
      ...{ server: SERVER, path, content: 'nothing to see\n', expected_sha256: sha256, reason: 'clean up' },
    });
    await carriedOut(asked.action);
  }
  assertClean('answers', answered.join('\n'));
  await assertAgentClean();
});

test(`T14: when an assistant or an alert tells secrets itself, they are refused or blacked out (seed ${seed})`, async () => {
  const hook = await world.owner('createHook', { name: 'alerts', kind: 'alertmanager' });
  for (const half of [secrets.slice(0, 300), secrets.slice(300)]) {
    const alerts = half.map((it, index) => ({
      status: 'firing',
      labels: {
        alertname: `Leak${secrets.indexOf(it)}`,
        instance: SERVER,
        detail: textOf(it),
        [it.name.toLowerCase()]: it.secret,
      },
      annotations: index % 2 === 0 ? { summary: textOf(it) } : { description: textOf(it) },
    }));
    const taken = await fetch(new URL(new URL(hook.url).pathname, world.url), {
      ...{ method: 'POST', body: JSON.stringify({ version: '4', alerts }) },
      headers: { authorization: `Bearer ${hook.secret}`, 'content-type': 'application/json' },
    });
    assert.equal(taken.status, 200);
  }
  for (let from = 0; from < secrets.length; from += 20)
    await Promise.all(secrets.slice(from, from + 20).map(isRefused));
  for (const reason of reasons()) {
    const asked = await assistant.call('run_command', { server: SERVER, argv: ['true', `${answered.length}`], reason });
    await assistant.call('cancel_action', { action: asked.action });
  }
});

/** Nobody can have a secret written by its value; a reference is the way. */
async function isRefused(secret: SeededSecret): Promise<void> {
  const content = textOf(secret);
  const asked = assistant.call('write_file', {
    ...{ server: SERVER, path: join(folder, 'new'), content, expected_sha256: null },
  });
  await assert.rejects(
    asked,
    (error) => error instanceof ToolError && error.code === 'secret_parameter',
    `seed ${seed}: ${content}`,
  );
}

/** The texts as reasons, as many in one as fit. */
function reasons(): string[] {
  const all: string[] = [];
  for (const secret of secrets) {
    const text = textOf(secret);
    const last = all.at(-1);
    if (last === undefined || last.length + text.length > 1000) all.push(text.slice(0, 1000));
    else all[all.length - 1] = last + text;
  }
  return all;
}

test(`T14: when all of it is over, none of the 600 stands in the database, a backup, Telegram, any answer or any log (seed ${seed})`, async () => {
  for (const name of ['getOverview', 'listAlerts', 'listActions', 'getAuditLog', 'getTimeline', 'listServers'] as const)
    await world.owner(name, {});
  await assistant.call('list_alerts', { limit: 100 });
  await assistant.call('get_timeline', { limit: 200 });
  await assistant.call('get_audit_log', { limit: 200 });
  const backup = join(world.dataDir, 'stolen.db');
  const cli = join(projectFolder, 'control-plane/src/cli/main.ts');
  const env = { PATH: process.env.PATH, HOME: world.dataDir, COUNTERSIGN_DATA: world.dataDir, NO_COLOR: '1' };
  await promisify(execFile)(node, [cli, 'backup', backup], { env });
  const stores = (await readdir(world.dataDir)).filter((name) => /\.db(-wal)?$/.test(name));
  assert.deepEqual(stores.toSorted(), ['countersign.db', 'countersign.db-wal', 'stolen.db']);
  for (const name of stores) assertClean(name, await readFile(join(world.dataDir, name), 'latin1'));
  assertClean('what the control plane printed', world.log());
  await assertAgentClean();
  const told = world.twin?.calls() ?? [];
  assert.ok(told.filter(({ method }) => method === 'sendMessage').length > 20);
  const documents = told.map(({ parameters }) =>
    JSON.stringify(parameters, (_, value) => (value?.bytes ? Buffer.from(value.bytes).toString() : value)),
  );
  assertClean('Telegram', documents.join('\n'));
  assertClean('answers', answered.join('\n'));
});
