import type { DiagnosticId } from '@countersign/protocol';

/** A hint: when the pattern is found, the diagnostic gains that many points. 3 says it outright, 1 is a faint trace. */
export interface Hint {
  readonly diagnostic: DiagnosticId;
  readonly points: number;
  /** Meets text in lower case, without apostrophes (`can't` is `cant`), with single blanks. */
  readonly pattern: RegExp;
}

export function hint(diagnostic: DiagnosticId, points: number, pattern: RegExp): Hint {
  return { diagnostic, points, pattern };
}
