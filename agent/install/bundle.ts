/**
 * Builds the agent into a folder of a few files, so that a server needs nothing but them and a Node: `agent.cjs` with what a
 * link has loaded all the time, and beside it what is loaded when it is needed (docs/benchmarks.md, G1).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { forgetOlder, takePlace } from '@countersign/protocol/built-folder';
import { type OutputOptions, type Plugin, type RolldownOutput, rolldown } from 'rolldown';

const agentFolder = resolve(import.meta.dirname, '..');
const distFolder = join(agentFolder, 'dist');
const sources = join(agentFolder, 'src');

/** A bundle as it lies on this disk. */
export interface Bundle {
  /** The file that Node is given. */
  readonly program: string;
  /** All of its files, in one folder. */
  readonly files: readonly string[];
}

/**
 * Bundles the sources into a folder of its own, `dist/<hash of what it is made from>`, so that others may bundle or read at the same
 * time, and who finds it there makes it no second time. Rejects with rolldown's error when they do not build.
 */
export async function bundleAgent(): Promise<Bundle> {
  await mkdir(distFolder, { recursive: true });
  const made = await hashOf(await madeFrom());
  const folder = join(distFolder, made);
  if (!existsSync(folder)) {
    const unfinished = await build();
    // Somebody edits the sources: what was built is of neither state.
    if ((await hashOf(await madeFrom())) !== made) return bundleAgent();
    await takePlace(unfinished, folder);
  }
  await forgetOlder(distFolder, folder, Date.now());
  return { program: join(folder, 'agent.cjs'), files: await filesIn(folder) };
}

/** All that a bundle follows from: our sources, how they are put together, and which versions of others' are installed. */
async function madeFrom(): Promise<string[]> {
  const folders = [sources, join(agentFolder, '../protocol/src')];
  const below = await Promise.all(folders.map((folder) => readdir(folder, { recursive: true, withFileTypes: true })));
  const files = below.flat().filter((entry) => entry.isFile());
  return [
    import.meta.filename,
    ...['package.json', '../protocol/package.json', '../pnpm-lock.yaml'].map((name) => join(agentFolder, name)),
    ...files.map(({ parentPath, name }) => join(parentPath, name)).toSorted(),
  ];
}

/** Returns the folder that holds what was built. */
async function build(): Promise<string> {
  const unfinished = join(distFolder, `${process.pid}.part`);
  await rm(unfinished, { recursive: true, force: true });
  const bundle = await rolldown({
    input: { agent: join(sources, 'main.ts'), schemas: join(sources, 'schemas.ts') },
    platform: 'node',
    logLevel: 'warn',
    // ws tries these two for speed and does without them.
    external: ['bufferutil', 'utf-8-validate'],
    plugins: [workedOutAhead, loadedLate, clientOnly, loadedWhenUsed],
  });
  const always = loadedAtOnce(await bundle.generate(output));
  const groups = [{ name: 'link', test: (id: string) => always.has(id) }];
  await bundle.write({ ...output, dir: unfinished, codeSplitting: { groups } });
  await bundle.close();
  return unfinished;
}

const output: OutputOptions = {
  // An ES module that imports a module of Node reads all of its members, and with them what Node loads only for some: WebSocket
  // (undici) of node:http, the root certificates of node:tls, WebCrypto of node:crypto. That is 6 MB.
  format: 'cjs',
  entryFileNames: '[name].cjs',
  chunkFileNames: '[name]-[hash].cjs',
  banner: ({ name }) => (name === 'agent' ? lightLink : ''),
  minify: { compress: true, mangle: false, codegen: true },
};

/** The modules that the agent has before it does anything. Together in one file they are there sooner than in seven. */
function loadedAtOnce({ output: files }: RolldownOutput): ReadonlySet<string> {
  const found = new Set<string>();
  const left = ['agent.cjs'];
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const file = files.find(({ fileName }) => fileName === name);
    if (file?.type !== 'chunk') continue;
    for (const id of file.moduleIds) found.add(id);
    left.push(...file.imports);
  }
  return found;
}

/** What a link has of Node all the time. */
const loadedAnyway = [
  'crypto',
  'dns',
  'fs',
  'http',
  'module',
  'net',
  'os',
  'path',
  'stream',
  'url',
  'util',
  'v8',
  'vm',
];

/**
 * What V8 is not to do for a link: compilers cost 3 MB of code and threads that wake up. And it is told itself when to collect: what
 * collects by itself half a minute later (`--no-memory-reducer` is heard at V8's own start only) is not there without collecting in parts.
 * It would ask every 8 s all the same whether it may, so it is told to wait for 11 days.
 */
const withoutThese = [
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--no-incremental-marking',
  '--memory-reducer-delay-ms=1000000000',
  '--gc-memory-reducer-start-delay-ms=1000000000',
];

/**
 * Each host name goes through Node's pattern of IPv6 addresses, which V8 takes 5 ms to compile as well as it can, and 1 ms as it is.
 * Compiled at the second use, and only this one: what goes through a megabyte is faster when it is compiled well.
 */
const hostPattern = `tell('--no-regexp-optimization');
  for (const name of ['localhost', 'localhost']) require('node:net').isIP(name);
  tell('--regexp-optimization');`;

/**
 * The link says so here and not by words to Node: under other words than usual V8 does not take what Node brings compiled of its
 * modules, and compiles them anew, which is 15 ms of a start. So they are loaded before, and all of ours comes after.
 * Source: `v8.setFlagsFromString`.
 */
const lightLink = `if (process.argv[2] === 'link') {
  for (const name of ${JSON.stringify(loadedAnyway)}) require('node:' + name);
  performance.now(), require('node:util').parseArgs;
  const tell = require('node:v8').setFlagsFromString;
  for (const word of ${JSON.stringify(withoutThese)}) tell(word);
  ${hostPattern}
}`;

/** Values that follow from the sources alone: the bundle has them, and not what they are worked out from. */
const workedOutAhead: Plugin = {
  name: 'worked out ahead',
  async load(id) {
    if (id !== join(sources, 'ahead.ts')) return null;
    const values: Record<string, unknown> = await import(id);
    const lines = Object.entries(values).map(
      ([name, value]) => `export const ${name} = JSON.parse(${JSON.stringify(JSON.stringify(value))});`,
    );
    return { code: lines.join('\n'), moduleType: 'js' };
  },
};

/** The schemas are an entry of their own, which `late.ts` loads by name. */
const loadedLate: Plugin = {
  name: 'loaded late',
  transform(code, id) {
    if (id !== join(sources, 'late.ts')) return null;
    const named = code.replace("'./schemas.ts'", "'./schemas.cjs'");
    if (named === code) throw new Error('late.ts does not name ./schemas.ts any more');
    return named;
  },
};

/** Of ws only the client: the agent listens to nobody. */
const clientOnly: Plugin = {
  name: 'the client of ws only',
  resolveId: (source) => (source === 'ws' ? '\0ws-client' : null),
  load(id) {
    if (id !== '\0ws-client') return null;
    const own = dirname(createRequire(join(sources, 'link/dial.ts')).resolve('ws/package.json'));
    return `import WebSocket from ${JSON.stringify(join(own, 'lib/websocket.js'))};\nexport { WebSocket };`;
  },
};

/** What ws asks Node for at its start and a link on an idle day never uses, or only with TLS: 8 MB. */
const loadedWhenUsed: Plugin = {
  name: 'loaded when used',
  resolveId: (source, importer) =>
    ['https', 'tls', 'zlib'].includes(source) && importer?.includes('/ws/lib/') ? `\0when-used:${source}` : null,
  load(id) {
    if (!id.startsWith('\0when-used:')) return null;
    const name = JSON.stringify(id.slice('\0when-used:'.length));
    return `module.exports = new Proxy({}, { get: (_, member) => process.getBuiltinModule(${name})[member] });`;
  },
};

async function filesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).toSorted().map((name) => join(folder, name));
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    const content = createHash('sha256').update(await readFile(file));
    hash.update(`${relative(agentFolder, file)} ${content.digest('hex')}\n`);
  }
  return hash.digest('hex').slice(0, 12);
}

if (import.meta.main) {
  const { program } = await bundleAgent();
  process.stdout.write(`${program}\n`);
}
