/**
 * The effect ledger: a file to which the steps of actions append one line each, with O_APPEND, outside of everything that the
 * product writes. What really happened is read here and nowhere else.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Effects {
  readonly file: string;
  /** argv of a step whose only effect is one line with its mark. `thenSleep`: how long it goes on after that, seconds. */
  step(mark: string, thenSleep?: number): string[];
  /** argv of a step with the same effect that goes on until it is {@link letGo}. */
  longStep(mark: string): string[];
  /** Has a long step end, now or when it comes to run. */
  letGo(mark: string): void;
  /** How often the effect with this mark has happened. */
  of(mark: string): number;
  /** Every mark with how often it happened. */
  all(): Map<string, number>;
}

export function effectLedger(folder: string): Effects {
  const file = join(folder, 'effects');
  writeFileSync(file, '');
  const all = () => {
    const counts = new Map<string, number>();
    for (const mark of readFileSync(file, 'utf8').split('\n').slice(0, -1))
      counts.set(mark, (counts.get(mark) ?? 0) + 1);
    return counts;
  };
  const end = (mark: string) => join(folder, `${mark}.end`);
  return {
    file,
    // One write of a short line: the shell opens the file with O_APPEND.
    step: (mark, thenSleep = 0) => [
      'sh',
      '-c',
      `echo "$1" >>"$2"; echo "did $1"; exec sleep "$3"`,
      'sh',
      mark,
      file,
      String(thenSleep),
    ],
    longStep: (mark) => [
      'sh',
      '-c',
      `echo "$1" >>"$2"; echo "did $1"; while [ -e "$2" ] && [ ! -e "$3" ]; do sleep 0.05; done`,
      'sh',
      mark,
      file,
      end(mark),
    ],
    letGo: (mark) => writeFileSync(end(mark), ''),
    of: (mark) => all().get(mark) ?? 0,
    all,
  };
}
