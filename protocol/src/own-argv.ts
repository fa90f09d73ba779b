/** What of an owner's command is started, with the values that were asked for. Apart from its form, which the dashboard loads too. */
import { type Fault, fault } from './errors.ts';
import { type OwnCommand, type OwnCommandPart, partsOf } from './own-command.ts';
import { parseValues, WHOLE_REFERENCE } from './parameter-types.ts';
import { redact } from './redaction.ts';

/**
 * The argv of one part with the values filled in, each in a word of its own; a word whose parameter was not given is left out. A
 * fault names what is wrong: `precondition_failed` when there is no such part, `invalid_input`, `secret_parameter`.
 */
export function ownArgv(
  command: OwnCommand,
  part: OwnCommandPart,
  given: Readonly<Record<string, unknown>>,
): readonly string[] | Fault {
  const argv = partsOf(command)[part];
  if (argv === undefined) return fault('precondition_failed', { reason: `local.${command.name} declares no ${part}` });
  const { values, problems } = parseValues(command.parameters, given, `local.${command.name}`);
  if (problems.length > 0) return fault('invalid_input', { problems: problems.join('; ') });
  const secret = Object.entries(values).find(([, value]) => typeof value === 'string' && redact(value).count > 0);
  if (secret) return fault('secret_parameter', { parameter: secret[0] });
  const words: string[] = [];
  for (const word of argv) {
    const name = WHOLE_REFERENCE.exec(word)?.[1];
    if (name === undefined) words.push(word);
    else if (Object.hasOwn(values, name)) {
      const value = String(values[name]);
      // The owner wrote where an operand stands; a value must not become an option there, nor `kill 5` become `kill -1`.
      if (value.startsWith('-') && !words.includes('--'))
        return fault('invalid_input', {
          problems: `parameters.${name}: begins with a dash, and the command has no -- before it`,
        });
      words.push(value);
    }
  }
  return words;
}
