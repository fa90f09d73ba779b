/** A command that the server's owner declared: its argv comes from the declaration, what the control plane gives are names and values. */
import { durationMs, Fault, fault } from '@countersign/protocol';
import { digestOf } from '@countersign/protocol/digest';
import { ownArgv } from '@countersign/protocol/own-argv';
import type { OwnCommand, OwnCommandPart } from '@countersign/protocol/own-command';
import type { Changer, LocalRules } from '../capability.ts';
import { resultOf } from './command.ts';

type OwnChange = 'local.run' | 'local.check' | 'local.undo';

/** The code of one part of such commands. */
export function ownCommandPart(part: OwnCommandPart): Changer<OwnChange> {
  return {
    predictable: false,
    async preview({ name, parameters }, { localPolicy }) {
      const command = declared(localPolicy, name);
      const argv = argvOf(command, part, parameters);
      const effects = [
        part === 'check'
          ? `When it does not end with exit code 0, ${command.undo ? 'local' : 'nothing'}${command.undo ? `.${name} is taken back` : ' is taken back'}.`
          : `It is the command ${name} that the owner of the server declared. What it does cannot be predicted.`,
        `It is ended after ${durationMs(command.timeout) / 1000} s. No shell looks at its words.`,
      ];
      const undo =
        part === 'run' && command.undo ? `Runs ${JSON.stringify(argvOf(command, 'undo', parameters))}.` : null;
      const witness = { subject: `command local.${name}`, property: 'declaration', value: digestOf(command) };
      return { preview: { argv: [argv], diff: null, effects, undo: undo?.slice(0, 500) ?? null }, witness: [witness] };
    },
    async perform({ name, parameters }, _, context) {
      const command = declared(context.localPolicy, name);
      const argv = argvOf(command, part, parameters);
      const done = await context.processes.start({
        argv,
        timeoutMs: durationMs(command.timeout),
        signal: context.signal,
        onOutput: context.onOutput,
        maxBytes: 0,
      });
      return resultOf(argv, done);
    },
    async recover({ name, parameters }, _, context) {
      const done = await context.processes.ended(1, context.onOutput);
      return done === null ? null : resultOf(argvOf(declared(context.localPolicy, name), part, parameters), done);
    },
  };
}

/** Throws `precondition_failed` for a command that the owner did not declare. */
function declared({ commands }: LocalRules, name: string): OwnCommand {
  const own = typeof commands === 'object' ? commands.find((command) => command.name === name) : undefined;
  if (own === undefined)
    throw fault('precondition_failed', { reason: `the owner of the server declared no command ${name}` });
  return own;
}

function argvOf(command: OwnCommand, part: OwnCommandPart, parameters: Readonly<Record<string, unknown>>): string[] {
  const argv = ownArgv(command, part, parameters);
  if (argv instanceof Fault) throw argv;
  return [...argv];
}
