/** What was asked for, from the plan that was made of it. Pure. */
import type { ParametersOf, Plan } from '@countersign/protocol';
import type { Wanted } from './wanted.ts';

/** Asking for it again gives the same plan, as far as the server is as it was. */
export function wantedOf({ source, parameters, steps }: Plan): Wanted {
  switch (source.kind) {
    case 'playbook':
      return { kind: 'playbook', playbook: source.id, parameters };
    case 'command':
      return { kind: 'command', ...(parameters as ParametersOf<'command.run'>) };
    case 'file':
      return { kind: 'file', ...(steps[0]?.parameters as ParametersOf<'file.write'>) };
  }
}
