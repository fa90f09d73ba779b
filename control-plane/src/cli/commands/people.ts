/** `people`, `role`, `amendments`: who works here, what they may do, and changes that wait for other owners. */

import type { Call, InputOf } from '@countersign/protocol/operator-api/index';
import { roleSchema } from '@countersign/protocol/operator-api/index';
import type { Command } from 'commander';
import { amendmentLines } from '../amendment-lines.ts';
import { answer } from '../answer.ts';
import { type CliContext, signedIn } from '../connection.ts';
import { UsageError } from '../exit-codes.ts';
import { type ProofOptions, proofOptions, readProof } from '../proof.ts';
import { columns } from '../terminal.ts';

export function peopleCommands(program: Command, context: CliContext): void {
  program
    .command('people')
    .description('who works here, and what they may do')
    .action(() => listPeople(context));
  const role = program
    .command('role')
    .description('change what a person may do; perhaps another owner has to agree')
    .argument('<person>', 'e-mail address, id or name')
    .argument('<role>', 'viewer, approver or owner');
  proofOptions(role).action((person: string, wanted: string, options: ProofOptions) =>
    changeRole(context, person, wanted, options),
  );
  amendmentCommands(program, context);
}

function amendmentCommands(program: Command, context: CliContext): void {
  const amendments = program
    .command('amendments')
    .description('changes of policy, roles and tokens: those that wait for other owners, and the newest that are over')
    .action(() => listAmendments(context));
  amendments
    .command('collect')
    .description('make your token or invitation that other owners agreed to; its secret is shown once')
    .argument('<id>', 'of the amendment: amd_…')
    .action((id: string) => collectAmendment(context, id));
  const verdicts = {
    agree: 'agree to an amendment of another owner',
    decline: 'decline an amendment',
    withdraw: 'withdraw your own amendment',
  } as const;
  for (const verdict of ['agree', 'decline', 'withdraw'] as const) {
    const command = amendments
      .command(verdict)
      .description(verdicts[verdict])
      .argument('<id>', 'of the amendment: amd_…');
    if (verdict === 'agree') proofOptions(command);
    command.action((id: string, options: ProofOptions) => decide(context, id, verdict, options));
  }
}

/** What other owners agreed to is made by who asked for it, so that nobody else sees its secret. */
async function collectAmendment(context: CliContext, amendment: string): Promise<void> {
  const { call } = await signedIn(context);
  const made = await call('collectAmendment', { amendment });
  await answer(context, made, () => [
    ...amendmentLines(made.amendment, context),
    ...[made.secret, made.link].flatMap((it) => (it === null ? [] : [context.terminal.paint('bold', it)])),
    'It is shown this once.',
  ]);
}

async function listPeople(context: CliContext): Promise<void> {
  const { call } = await signedIn(context);
  const { people } = await call('listPeople', {});
  await answer(context, { people }, () =>
    columns([
      ['ID', 'ROLE', 'SIGNS IN WITH', 'E-MAIL', 'NAME'],
      ...people.map((it) => [
        it.id,
        it.role,
        [it.totp ? 'password and code' : 'password', ...(it.passkeys > 0 ? [`${it.passkeys} passkeys`] : [])].join(
          ', ',
        ),
        it.email,
        it.name,
      ]),
    ]),
  );
}

async function changeRole(context: CliContext, named: string, wanted: string, options: ProofOptions): Promise<void> {
  const role = roleSchema.safeParse(wanted);
  if (!role.success) throw new UsageError(`There is no role ${wanted}.`, 'Use viewer, approver or owner.');
  const { call } = await signedIn(context);
  const person = await personNamed(call, named);
  const proof = await readProof(context, options);
  const { amendment } = await call('changeRole', { person, role: role.data, proof });
  await answer(context, { amendment }, () => amendmentLines(amendment, context));
}

async function personNamed(call: Call, named: string): Promise<string> {
  const { people } = await call('listPeople', {});
  const found = people.filter((it) => [it.id, it.email, it.name].includes(named));
  const [only] = found;
  if (found.length === 1 && only) return only.id;
  throw new UsageError(
    `${found.length === 0 ? 'Nobody' : 'More than one person'} here is ${named}.`,
    'Name the e-mail address; `countersign people` lists them.',
  );
}

async function listAmendments(context: CliContext): Promise<void> {
  const { call } = await signedIn(context);
  const { amendments } = await call('listAmendments', {});
  await answer(context, { amendments }, () =>
    amendments.length === 0 ? ['No amendments.'] : amendments.flatMap((it) => amendmentLines(it, context)),
  );
}

async function decide(
  context: CliContext,
  amendment: string,
  verdict: InputOf<'decideAmendment'>['verdict'],
  options: ProofOptions,
): Promise<void> {
  const { call } = await signedIn(context);
  const proof = verdict === 'agree' ? { proof: await readProof(context, options) } : {};
  const decided = await call('decideAmendment', { amendment, verdict, ...proof });
  await answer(context, decided, () => amendmentLines(decided.amendment, context));
}
