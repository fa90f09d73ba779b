/** What a caller asks to have done, before it is a plan. */
import type { ParametersOf } from '@countersign/protocol';

export type Wanted =
  | {
      readonly kind: 'playbook';
      readonly playbook: string;
      readonly parameters: Readonly<Record<string, unknown>>;
    }
  | ({ readonly kind: 'command' } & ParametersOf<'command.run'>)
  /** A command that only reads. Nobody asks for it by this kind: `reading-wanted.ts` finds that a command is one. */
  | ({ readonly kind: 'reading' } & ParametersOf<'command.read'>)
  | ({ readonly kind: 'file' } & ParametersOf<'file.write'>);

/** The name of the operation that a caller used, for the audit log. */
export const operationOf = {
  playbook: 'runPlaybook',
  command: 'runCommand',
  reading: 'runCommand',
  file: 'writeFile',
} as const satisfies Record<Wanted['kind'], string>;
