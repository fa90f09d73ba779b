/** What the pages say is so. A failure names the page and what to write. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readConfig } from '@countersign/agent/config';
import { defaultPolicy, policyFileSchema, readLocalPolicy } from '@countersign/agent/run/local-policy';
import { auditEvents } from '@countersign/control-plane/audit/events';
import { variables } from '@countersign/control-plane/config/env';
import { describeProblem, parsePolicy } from '@countersign/control-plane/policy/parse';
import { formatProblem, parsePlaybook, renderPlan } from '@countersign/playbooks';
import { firstStates, isFinal, transitions } from '@countersign/protocol';
import { parse } from 'yaml';
import { anchorsOf, blocksIn, documentAt, documents, quotedIn, tableRows, trackedFiles } from './documents.ts';
import { root } from './sources.ts';

test('when a page links to a file or a heading, it is there', () => {
  const broken = documents.flatMap((document) =>
    [...document.prose.matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target ?? '')
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !leadsSomewhere(document.path, target))
      .map((target) => `${document.path} links to ${target}, which is not there`),
  );
  assert.deepEqual(broken, []);
});

function leadsSomewhere(from: string, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? from : join(dirname(from), file);
  if (!existsSync(join(root, path))) return false;
  if (anchor === undefined) return true;
  const page = documents.find((it) => it.path === path);
  return page !== undefined && anchorsOf(page).includes(anchor);
}

test('when a page names a source file or folder of ours, it exists', () => {
  const tops = new Set(trackedFiles.filter((path) => path.includes('/')).map((path) => path.split('/')[0]));
  const missing = documents.flatMap(({ path: page, prose }) =>
    quotedIn(prose)
      .filter((name) => /^[\w.-]+(\/[\w.-]+)*\/?$/.test(name) && name.includes('/'))
      .filter((name) =>
        tops.has(name.split('/')[0])
          ? !existsSync(join(root, name))
          : /\.(ts|tsx|sh)$/.test(name) && !trackedFiles.some((file) => file.endsWith(`/${name}`)),
      )
      .map((name) => `${page} names ${name}, which does not exist`),
  );
  assert.deepEqual(missing, []);
});

test('when a page names an audit event of actions or approvals, there is one', () => {
  const known = Object.keys(auditEvents);
  const unknown = documents.flatMap(({ path, prose }) =>
    quotedIn(prose)
      .filter((name) => /^(action|approval)\.[a-z_]+$/.test(name) && !known.includes(name))
      .map((name) => `${path} names the audit event ${name}; see control-plane/src/audit/events.ts`),
  );
  assert.deepEqual(unknown, []);
});

test('when the tree of the house is read, its folders exist, and no folder with sources is left out', () => {
  const tree = blocksIn('docs/architecture.md', 'text')[0]?.text ?? '';
  const named = tree.split('\n').flatMap((line) => /^(\S+) {2,}\S/.exec(line)?.[1] ?? []);
  const wrong = named.filter((path) => !existsSync(join(root, path)) || !statSync(join(root, path)).isDirectory());
  assert.deepEqual(wrong, [], 'docs/architecture.md, "The house", names folders that are not there');
  const folders = trackedFiles
    .filter((path) => /\.tsx?$/.test(path) && !/(^|\/)test\//.test(path))
    .map((path) => dirname(path))
    .filter((path) => path.includes('/') && !named.includes(path));
  assert.deepEqual([...new Set(folders)], [], 'add a line for each to the tree in docs/architecture.md, "The house"');
});

/** The diagram of the life of an action, from the one table. */
function lifecycleDiagram(): string {
  const words = { ask: 'policy asks', allow: 'policy allows', deny: 'policy denies' };
  const ends = new Set(transitions.map(({ to }) => to).filter(isFinal));
  return [
    'stateDiagram-v2',
    ...(['ask', 'allow', 'deny'] as const).map((it) => `  [*] --> ${firstStates[it]}: propose (${words[it]})`),
    ...transitions.map(({ from, event, to, by }) => `  ${from} --> ${to}: ${event} (${by})`),
    ...[...ends].map((state) => `  ${state} --> [*]`),
    '',
  ].join('\n');
}

test('when the table of the lifecycle changes, its diagram changes with it', () => {
  const shown = blocksIn('docs/architecture.md', 'mermaid')[0]?.text;
  const right = lifecycleDiagram();
  assert.equal(shown, right, `put this into the mermaid block of docs/architecture.md:\n${right}`);
});

test('when the local policy is explained, every key is there with its default', (context) => {
  const page = 'docs/local-policy.md';
  const keys = Object.keys(policyFileSchema.shape);
  const blocks = blocksIn(page, 'yaml').map(({ text }) => text);
  const [defaults, example] = blocks;
  const begun = (comment: string) => blocks.find((text) => text.startsWith(comment));
  assert.deepEqual(Object.keys(parse(defaults ?? '')), keys, `${page}: the block of defaults has to name every key`);
  assert.deepEqual(Object.keys(parse(example ?? '')).sort(), keys.toSorted(), `${page}: the example lacks keys`);
  assert.deepEqual(
    // Tables further down explain members of single keys.
    tableRows(page)
      .slice(0, keys.length)
      .map(([name]) => quotedIn(name ?? '')[0]),
    keys,
    `${page}: the table`,
  );
  const policy = (text: string | undefined) => readLocalPolicy(writeExample(context, 'policy.yaml', text));
  assert.deepEqual(policy(defaults), defaultPolicy, `${page}: a default is another one`);
  assert.equal(policy(example).mode, 'act');
  assert.ok((policy(begun('# locked')).lock?.keys.length ?? 0) > 0);
  assert.deepEqual(Object.keys(policy(begun('# secrets')).secrets), ['db_password', 'tls_key']);
});

function writeExample(context: { after(fn: () => void): void }, name: string, text: string | undefined): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-docs-'));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, name), text ?? assert.fail('the example is missing'), { mode: 0o600 });
  return join(folder, name);
}

test('when the playbook format is explained, the example is a playbook', () => {
  const [example] = blocksIn('docs/playbook-format.md', 'yaml');
  const parsed = parsePlaybook(example?.text ?? '', { file: 'docs/playbook-format.md' });
  assert.deepEqual((parsed.problems ?? []).map(formatProblem), []);
  assert.ok(parsed.playbook);
  const request = { server: { id: 'srv_000000000000', name: 'web-1' }, parameters: { threads: '8' } };
  assert.equal(renderPlan(parsed.playbook, request).title, "Restart the shop's worker with 8 threads on web-1");
});

test('when the configuration is explained, the policy examples are policies', () => {
  const page = documentAt('docs/configuration.md');
  const policies = page.blocks.filter(({ language, text }) => language === 'yaml' && text.startsWith('format:'));
  assert.ok(policies.length > 0);
  for (const { text, line } of policies) {
    const parsed = parsePolicy(text);
    const problems = 'problems' in parsed ? parsed.problems.map(describeProblem) : [];
    assert.deepEqual(problems, [], `docs/configuration.md, block at line ${line}`);
  }
});

test('when the configuration is explained, every variable is there and no other', () => {
  const rows = tableRows('docs/configuration.md').map(([name]) => quotedIn(name ?? '')[0] ?? '');
  const named = rows.filter((name) => /^[A-Z_]+$/.test(name));
  assert.deepEqual(named.toSorted(), Object.keys(variables).sort(), 'docs/configuration.md, table "Control plane"');
});

test('when the settings of an agent are explained, the example is read', (context) => {
  const example = blocksIn('docs/configuration.md', 'yaml').find(({ text }) => text.startsWith('url:'));
  const config = readConfig(writeExample(context, 'agent.yaml', example?.text));
  assert.equal(config.policyFile, '/etc/countersign/policy.yaml');
});

const products = ['protocol', 'playbooks', 'agent', 'mcp-server', 'control-plane', 'web'];

test('when a package has a runtime dependency, the table says why, and names no other', () => {
  const needed = new Map<string, string[]>();
  for (const name of products)
    for (const dependency of Object.keys(packageAt(join(name, 'package.json')).dependencies ?? {}))
      if (!dependency.startsWith('@countersign/'))
        needed.set(dependency, [...(needed.get(dependency) ?? []), name].sort());
  const platforms = Object.keys(packageAt('package.json').optionalDependencies ?? {});
  const rows = tableRows('docs/dependencies.md').flatMap(([names = '', where = '']) =>
    quotedIn(names).map((name): [string, string[]] => [name, where.split(', ').sort()]),
  );
  const named = new Map(rows);
  assert.equal(named.size, rows.length, 'docs/dependencies.md names a package twice');
  const order = (names: Iterable<string>) => [...names].sort();
  assert.deepEqual(order(named.keys()), order([...needed.keys(), ...platforms]), 'docs/dependencies.md, first column');
  for (const [name, where] of needed)
    assert.deepEqual(named.get(name), where, `docs/dependencies.md: ${name} is in ${where.join(', ')}`);
});

function packageAt(path: string): {
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
} {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

test('when a page sends people to a page of the dashboard, the menu has it', () => {
  const menu = readFileSync(join(root, 'web/src/components/nav.ts'), 'utf8');
  const places = [...menu.matchAll(/label: '([^']+)'/g)].map(([, label]) => label ?? '');
  const sent = documents.flatMap(({ path, prose }) =>
    [...prose.matchAll(/\b[Pp]ages? \*\*([^*]+)\*\*/g)].map(([, name]) => ({ path, name: name ?? '' })),
  );
  assert.ok(sent.length > 0);
  assert.deepEqual(
    sent.filter(({ name }) => !places.includes(name)).map(({ path, name }) => `${path}: the menu has no ${name}`),
    [],
  );
});
