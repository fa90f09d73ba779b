/** The laws of the house (design.md, section 3). A failure says where the code belongs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SourceFile, sourceFiles } from './sources.ts';

const files = sourceFiles();
const isTest = ({ path }: SourceFile) => path.startsWith('test/') || path.includes('/test/');
const product = files.filter((file) => !isTest(file));
const area = (path: string) => path.split('/')[0] ?? '';

const mayImport: Record<string, readonly string[]> = {
  protocol: [],
  playbooks: ['protocol'],
  agent: ['protocol'],
  'mcp-server': ['protocol'],
  web: ['protocol'],
  'control-plane': ['protocol', 'playbooks', 'mcp-server', 'agent'],
};

test('when a package imports another, the direction is the one of the house', () => {
  const wrong = product.flatMap(({ path, imports }) =>
    imports
      .filter((it) => area(it.path) !== area(path) && !mayImport[area(path)]?.includes(area(it.path)))
      .map(
        (it) =>
          `${path} imports ${it.path}: ${area(path)} may import ${mayImport[area(path)]?.join(', ') || 'nothing of ours'}; move the shared part into protocol`,
      ),
  );
  assert.deepEqual(wrong, []);
});

// The control plane starts this machine's agent and serves its package, so `start` and the package route may know where they are.
const agentFromControlPlane = [
  'control-plane/src/start.ts',
  'control-plane/src/compose.ts',
  'control-plane/src/http/install-routes.ts',
  'control-plane/src/local-agent.ts',
];

test('when the control plane touches the agent, it is only to start or to serve it', () => {
  const wrong = product.filter(
    ({ path, imports }) =>
      area(path) === 'control-plane' &&
      !agentFromControlPlane.includes(path) &&
      imports.some((it) => area(it.path) === 'agent' && !it.path.startsWith('agent/src/../install')),
  );
  assert.deepEqual(
    wrong.map(({ path }) => `${path}: what both sides need belongs in protocol`),
    [],
  );
});

const edges = /^control-plane\/src\/(http|fleet|cli|approvals\/telegram)\//;
const wiring = /^control-plane\/src\/(compose|main|start|local-agent)\.ts$/;

test('when a use case of the control plane imports, it never imports an edge, and edges do not import each other', () => {
  const wrong = product
    .filter(({ path }) => area(path) === 'control-plane' && !wiring.test(path))
    .flatMap(({ path, imports }) => {
      const own = edges.exec(path)?.[1];
      return imports
        .filter((it) => !it.typeOnly && !/\.store\.ts$|resolve-server/.test(it.path))
        .filter((it) => (edges.test(it.path) && edges.exec(it.path)?.[1] !== own) || wiring.test(it.path))
        .map((it) => `${path} imports ${it.path}: hand it in through ports.ts and compose.ts`);
    });
  assert.deepEqual(
    wrong.filter(
      (line) => !line.startsWith('control-plane/src/cli/') && !line.startsWith('control-plane/src/operations/'),
    ),
    [],
  );
});

const agentRings = ['host', 'capabilities', 'run', 'link'];

test('when the agent imports, it is from an inner ring: host, capabilities, run, link', () => {
  const ring = (path: string) => agentRings.indexOf(/^agent\/src\/([^/]+)\//.exec(path)?.[1] ?? '');
  const wrong = product.flatMap(({ path, imports }) =>
    ring(path) < 0
      ? []
      : imports
          .filter((it) => !it.typeOnly && ring(it.path) > ring(path))
          .map((it) => `${path} imports ${it.path}: an inner ring is handed what it needs by compose.ts`),
  );
  assert.deepEqual(wrong, []);
});

const homes: Record<string, RegExp> = {
  fastify: /^control-plane\/src\/(http\/|fleet\/gateway|compose)/,
  '@fastify/websocket': /^control-plane\/src\/fleet\/gateway/,
  ws: /^(agent\/src\/link\/dial|control-plane\/src\/fleet\/(gateway|socket))/,
  kysely: /^control-plane\/src\/(storage\/|ports\.ts|.*\.store\.ts)/,
  'better-sqlite3': /^control-plane\/src\/storage\/database/,
  grammy: /^control-plane\/src\/approvals\/telegram\//,
  '@modelcontextprotocol/server': /^(mcp-server\/src\/|control-plane\/src\/http\/mcp-)/,
  '@modelcontextprotocol/node': /^control-plane\/src\/http\/mcp-/,
  yaml: /^(playbooks\/src\/(parse|lint)|control-plane\/src\/policy\/parse|agent\/src\/(run\/local-policy|config|capabilities\/files\/config-edit|host\/yaml)|control-plane\/src\/config\/)/,
  '@simplewebauthn/browser': /^web\/src\/api\/webauthn\.ts$/,
  '@simplewebauthn/server': /^control-plane\/src\/access\/webauthn\.ts$/,
  unbash: /^control-plane\/src\/actions\/shell-text\.ts$/,
  execa: /^control-plane\/src\/build-dashboard\.ts$/,
};

test('when a library is used, it is used in its one home', () => {
  const wrong = product.flatMap(({ path, packages }) =>
    packages
      .filter((name) => homes[name] && !homes[name].test(path))
      .map((name) => `${path} uses ${name}: its home is ${homes[name]?.source}`),
  );
  assert.deepEqual(wrong, []);
});

const clockHome = /(^|\/)(clock|ids|system-ids)\.ts$/;

test('when code needs time or chance, it is handed them', () => {
  const forbidden = [
    'Date.now',
    'Math.random',
    'setTimeout',
    'setInterval',
    'performance.now',
    'randomBytes',
    'randomUUID',
    'crypto.randomUUID',
  ];
  const wrong = product
    .filter(({ path }) => !clockHome.test(path) && area(path) !== 'web')
    .flatMap(({ path, globals }) =>
      forbidden.filter((name) => globals.has(name)).map((name) => `${path} uses ${name}: take a Clock or Ids`),
    );
  assert.deepEqual(
    wrong.filter((line) => !allowedGlobals.some((allowed) => line.startsWith(`${allowed.path} `))),
    [],
  );
});

/** Exceptions, each with its reason. */
const allowedGlobals: readonly { path: string; why: string }[] = [
  { path: 'agent/install/bundle.ts', why: 'a build script' },
  { path: 'control-plane/src/bundle.ts', why: 'a build script' },
];

test('when a program reads its environment, it does so in a config file', () => {
  const wrong = product.filter(
    ({ path, globals }) =>
      [...globals].some((name) => name.startsWith('process.env')) &&
      !/(^|\/)(config|env)\.ts$|^agent\/install\/|vite\.config/.test(path),
  );
  assert.deepEqual(
    wrong.map(({ path }) => `${path}: read it in config/env.ts and hand the value on`),
    [],
  );
});

/** Files and functions that may be longer, each with its reason. */
const longer: Readonly<Record<string, string>> = {
  'protocol/src/errors.ts': 'the one catalogue of errors: a table with an entry per error',
};

test('when a file grows over 300 lines, it is split', () => {
  assert.deepEqual(
    product
      .filter(({ path, lines }) => lines > 300 && !longer[path])
      .map(({ path, lines }) => `${path} has ${lines} lines: split it by what it does`),
    [],
  );
});

test('when a function grows over 50 lines, it is split', () => {
  const wrong = product
    .filter(({ path }) => area(path) !== 'web')
    .flatMap(({ path, functions }) =>
      functions
        .filter((it) => it.lines > 50 && !longer[`${path}:${it.name}`])
        .map((it) => `${path}:${it.line} ${it.name} has ${it.lines} lines: name its parts`),
    );
  assert.deepEqual(wrong, []);
});

test('when something is caught, it is dealt with', () => {
  assert.deepEqual(
    files.filter(({ emptyCatches }) => emptyCatches > 0).map(({ path }) => `${path}: an empty catch hides a defect`),
    [],
  );
});

test('when a file is named, its name says what is in it', () => {
  const vague = /(^|\/)(utils?|helpers?|common|manager|misc|types|shared)\.tsx?$/;
  assert.deepEqual(
    files.filter(({ path }) => vague.test(path)).map(({ path }) => path),
    [],
  );
});

test('when protocol imports a package, it is zod', () => {
  const wrong = product.filter(
    ({ path, packages }) =>
      area(path) === 'protocol' && packages.some((name) => name !== 'zod' && !name.startsWith('node:')),
  );
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  );
});
