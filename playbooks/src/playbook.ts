/** A playbook as it is used: the parsed file with what follows from it. */
import { capability, highestRisk, type Risk } from '@countersign/protocol';
import { sha256 } from '@countersign/protocol/digest';
import type { PlaybookFile } from './format.ts';

export interface Playbook extends PlaybookFile {
  readonly effect: 'observe' | 'mutate';
  readonly risk: Risk;
  /** Whether a failed check can be taken back. */
  readonly reversible: boolean;
  /** Whether it needs a server that systemd runs. */
  readonly needsSystemd: boolean;
  /** The text that it was parsed from, and its SHA-256, by which an action names it. */
  readonly yaml: string;
  readonly sha256: string;
}

/** Derives what follows from a file. */
export function playbookOf(file: PlaybookFile, yaml: string): Playbook {
  const steps = file.steps ?? [];
  return {
    ...file,
    effect: file.diagnostics === undefined ? 'mutate' : 'observe',
    risk: file.risk ?? stepRisk(file),
    reversible:
      steps.length > 0 && (file.undo.length > 0 || steps.every((step) => capability(step.capability).undoable)),
    needsSystemd: steps.some((step) => /^(unit|timer|journal)\./.test(step.capability)),
    yaml,
    sha256: sha256(yaml),
  };
}

/** The highest risk of a playbook's steps, undo steps with them: the least that the playbook itself can have. */
export function stepRisk(file: PlaybookFile): Risk {
  return highestRisk([...(file.steps ?? []), ...file.undo].map((step) => capability(step.capability).risk));
}
