/**
 * Descriptions of trouble as tired people write them, each with the diagnostic that ought to be among the first three, and
 * the parameters that ought to be read out of it. All were written before the vocabulary; it was fitted to `known` alone, so
 * that `unseen` tells how it does with words that nobody thought of.
 */
import type { DiagnosticId } from '@countersign/protocol';
import { known } from './known-descriptions.ts';
import { unseen } from './unseen-descriptions.ts';

export interface Labelled {
  readonly says: string;
  readonly wants: DiagnosticId;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export { known, unseen };
