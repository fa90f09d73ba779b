/** `policy show|test|set`: the rules of the control plane. */
import { changeIdSchema, riskSchema } from '@countersign/protocol';
import type { Command } from 'commander';
import { amendmentLines } from '../amendment-lines.ts';
import { answer } from '../answer.ts';
import { type CliContext, fileNamed, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { readTextFile } from '../json-file.ts';
import { type ProofOptions, proofOptions, readProof } from '../proof.ts';

export function policyCommands(program: Command, context: CliContext): void {
  const policy = program.command('policy').description('the rules: what is allowed, asked for, denied');
  policy
    .command('show')
    .description('the rules in force')
    .action(() => show(context));
  policy
    .command('test')
    .description('what the rules would say of a request')
    .argument('<server>', 'id or name')
    .requiredOption('--risk <risk>', 'low, medium, high or critical')
    .option('--playbook <id>', 'the playbook that is asked for')
    .option('--capability <id>', 'a change that its steps make; may be given several times', collect, [])
    .option('--token <name>', 'the token that asks')
    .option('--client <name>', 'what the client calls itself')
    .option('--file <file>', 'other rules than those in force')
    .action((server: string, options: TestOptions) => test(context, server, options));
  const set = policy
    .command('set')
    .description('replace the rules; perhaps another owner has to agree')
    .argument('<file>', 'the new rules, YAML')
    .option('--before <sha256>', 'replace only the rules with this SHA-256, as `policy show` prints it');
  proofOptions(set).action((file: string, options: SetOptions) => setRules(context, file, options));
}

const collect = (value: string, before: string[]) => [...before, value];

async function show(context: CliContext): Promise<void> {
  const { call } = await signedIn(context);
  const found = await call('getPolicy', {});
  await answer(context, found, () => [
    ...found.yaml.trimEnd().split('\n'),
    ...found.problems.map((it) => `# problem: ${it}`),
    `# from ${found.source}, SHA-256 ${found.sha256}`,
  ]);
}

interface TestOptions {
  readonly risk: string;
  readonly playbook?: string;
  readonly capability: string[];
  readonly token?: string;
  readonly client?: string;
  readonly file?: string;
}

async function test(context: CliContext, server: string, options: TestOptions): Promise<void> {
  const { playbook, token, client, file } = options;
  const risk = riskSchema.safeParse(options.risk);
  if (!risk.success) throw new UsageError(`There is no risk ${options.risk}.`, 'Use low, medium, high or critical.');
  const capabilities = options.capability.map((id) => {
    const known = changeIdSchema.safeParse(id);
    if (!known.success) throw new UsageError(`There is no change ${id}.`, 'Playbooks name them in their steps.');
    return known.data;
  });
  const { call } = await signedIn(context);
  const said = await call('testPolicy', {
    ...{ server, risk: risk.data, capabilities },
    ...(playbook === undefined ? {} : { playbook }),
    ...(token === undefined ? {} : { token }),
    ...(client === undefined ? {} : { client }),
    ...(file === undefined ? {} : { yaml: await readTextFile(fileNamed(context, file)) }),
  });
  await answer(context, said, () => [`${said.verdict}: ${said.why} (rule ${said.rule})`]);
}

interface SetOptions extends ProofOptions {
  readonly before?: string;
}

async function setRules(context: CliContext, file: string, options: SetOptions): Promise<void> {
  const yaml = await readTextFile(fileNamed(context, file));
  const { call } = await signedIn(context);
  const before = options.before ?? (await call('getPolicy', {})).sha256;
  const { amendment } = await call('setPolicy', { yaml, before, proof: await readProof(context, options) });
  await answer(context, { amendment }, () => amendmentLines(amendment, context));
}
