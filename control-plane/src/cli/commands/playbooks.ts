/** `playbook lint|preview|test|log|schema`: writing playbooks. */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  CASES_ENDING,
  formatProblem,
  type Playbook,
  parseCases,
  parsePlaybook,
  playbookFiles,
  playbookJsonSchema,
  tryCases,
} from '@countersign/playbooks';
import type { Command } from 'commander';
import { answer, shortTime } from '../answer.ts';
import { type CliContext, fileNamed, signedIn } from '../connection.ts';
import { exitCodes, UsageError } from '../exit-codes.ts';
import { readTextFile } from '../json-file.ts';
import { previewLines } from '../preview-lines.ts';

export function playbookCommands(program: Command, context: CliContext): void {
  const playbook = program.command('playbook').description('write playbooks: lint, preview, test');
  playbook
    .command('lint')
    .description('what is wrong with playbook files, by line and column; needs no control plane')
    .argument('<files...>', 'files, or folders with everything below them')
    .action((names: string[]) => lint(context, names));
  playbook
    .command('test')
    .description('hold playbooks against the cases beside them (NAME.test.yaml); needs no control plane')
    .argument('<files...>', 'playbooks, or folders with everything below them')
    .action((names: string[]) => test(context, names));
  playbook
    .command('preview')
    .description('what a playbook would do on a server, found out there by reading only')
    .argument('<playbook>', 'a file, or the id of a playbook in force')
    .requiredOption('--server <server>', 'id or name')
    .option('--param <name=value>', 'a parameter; may be given several times', collect, [])
    .action((name: string, options: PreviewOptions) => preview(context, name, options));
  playbook
    .command('log')
    .description('what a playbook was: who changed its file, when, and the difference')
    .argument('<id>', 'id of a playbook')
    .action((id: string) => log(context, id));
  playbook
    .command('schema')
    .description('the JSON Schema of the format, for editors')
    .action(() => context.terminal.write(`${JSON.stringify(playbookJsonSchema(), null, 2)}\n`));
}

const collect = (value: string, before: string[]) => [...before, value];

async function filesNamed(context: CliContext, names: readonly string[]): Promise<string[]> {
  const found = names.map(async (name) => {
    const path = fileNamed(context, name);
    const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
    return isFolder ? playbookFiles(path) : [path];
  });
  const files = (await Promise.all(found)).flat();
  if (files.length === 0) throw new UsageError('There is no playbook there.', 'Name a file that ends with .yaml.');
  return files;
}

async function read(file: string) {
  return parsePlaybook(await readTextFile(file), { file });
}

async function lint(context: CliContext, names: readonly string[]): Promise<void> {
  const files = await filesNamed(context, names);
  const problems = (await Promise.all(files.map(read))).flatMap((it) => it.problems ?? []);
  if (problems.length > 0) context.exit(exitCodes.refused);
  await answer(context, { files: files.length, problems }, () => [
    ...problems.map(formatProblem),
    problems.length === 0
      ? `${files.length === 1 ? 'The playbook is' : `All ${files.length} playbooks are`} right.`
      : `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${files.length} ${files.length === 1 ? 'file' : 'files'}.`,
  ]);
}

async function test(context: CliContext, names: readonly string[]): Promise<void> {
  const files = await filesNamed(context, names);
  const tried = await Promise.all(files.map(tryFile));
  const wrong = tried.flatMap(({ outcomes }) => outcomes).filter(({ problems }) => problems.length > 0);
  if (wrong.length > 0) context.exit(exitCodes.refused);
  await answer(context, { files: tried }, () =>
    tried.flatMap(({ file, outcomes }) => [
      file,
      ...outcomes.flatMap(({ when, problems }) => [
        `  ${problems.length === 0 ? '✔' : '✖'} when ${when}`,
        ...problems.map((problem) => `      ${problem}`),
      ]),
      ...(outcomes.length === 0 ? [`  no cases: put them into ${basename(casesOf(file))}`] : []),
    ]),
  );
}

const casesOf = (file: string) => join(dirname(file), basename(file).replace(/\.yaml$/, CASES_ENDING));

async function tryFile(file: string) {
  const parsed = await read(file);
  if (parsed.problems)
    return { file, outcomes: [{ when: 'it is read', problems: parsed.problems.map(formatProblem) }] };
  const text = await readFile(casesOf(file), 'utf8').catch(() => null);
  if (text === null) return { file, outcomes: [] };
  const cases = parseCases(text, { file: casesOf(file) });
  if (cases.problems)
    return { file, outcomes: [{ when: 'its cases are read', problems: cases.problems.map(formatProblem) }] };
  return { file, outcomes: tryCases(parsed.playbook, cases.value.cases) };
}

interface PreviewOptions {
  readonly server: string;
  readonly param: readonly string[];
}

async function preview(context: CliContext, name: string, { server, param }: PreviewOptions): Promise<void> {
  const file = name.endsWith('.yaml') ? fileNamed(context, name) : null;
  const { call } = await signedIn(context);
  const playbook = file === null ? null : await playbookIn(file);
  const types = playbook?.parameters ?? (await parameterTypes(call, name));
  const parameters = Object.fromEntries(param.map((each) => typedParameter(each, types)));
  const seen = await call('previewPlaybook', {
    server,
    ...(playbook === null ? { playbook: name } : { yaml: playbook.yaml }),
    parameters,
  });
  await answer(context, seen, () => previewLines(seen));
}

async function playbookIn(file: string): Promise<Playbook> {
  const parsed = await read(file);
  if (parsed.playbook) return parsed.playbook;
  const [first] = parsed.problems;
  throw new UsageError(first ? formatProblem(first) : `${file} is no playbook.`, 'See all: countersign playbook lint');
}

type Types = Readonly<Record<string, { readonly type: string }>>;

async function parameterTypes(call: Awaited<ReturnType<typeof signedIn>>['call'], id: string): Promise<Types> {
  const { parameters } = await call('getPlaybook', { playbook: id });
  return Object.fromEntries(parameters.map((parameter) => [parameter.name, parameter]));
}

/** A parameter as typed, with the type that the playbook wants. */
function typedParameter(typed: string, types: Types): [string, string | number | boolean] {
  const at = typed.indexOf('=');
  if (at <= 0) throw new UsageError(`${typed} is no parameter.`, 'Write --param name=value.');
  const [name, text] = [typed.slice(0, at), typed.slice(at + 1)];
  const type = types[name]?.type;
  if ((type === 'integer' || type === 'port') && /^-?\d+$/.test(text)) return [name, Number(text)];
  if (type === 'boolean' && (text === 'true' || text === 'false')) return [name, text === 'true'];
  return [name, text];
}

async function log(context: CliContext, id: string): Promise<void> {
  const { call } = await signedIn(context);
  const { versions } = await call('listPlaybookVersions', { playbook: id });
  await answer(context, { versions }, () =>
    versions.flatMap((it) => [
      `${shortTime(it.at, context.clock.now())}  version ${it.version}  ${it.sha256?.slice(0, 12) ?? 'taken away'}  ${it.changed_by ?? ''}  ${it.source}`,
      ...it.diff
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => `    ${line}`),
    ]),
  );
}
