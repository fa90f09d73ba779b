/**
 * Fail points: named places in a program at which a test has it die, hang or fail, to see that nothing is lost and nothing
 * happens twice. What is here is pure; each program has a table of its places and does the deed itself. Source: threats.md, "How".
 */

/** What happens at the place. `torn-write`: half of what is about to be written reaches the disk, then it is killed. */
export const failActs = ['kill', 'hang', 'error', 'torn-write'] as const;
export type FailAct = (typeof failActs)[number];

/** Every place of a program by name, and why it is worth dying at. */
export type FailPointTable = Readonly<Record<string, string>>;

export interface ArmedFailPoint {
  readonly name: string;
  readonly act: FailAct;
  /** From 1: how often the place is passed unharmed, and once more. */
  readonly nth: number;
}

/** Does the deed. Neither `kill` nor `hang` returns. */
export interface FailDeeds {
  kill(): never;
  hang(): never;
}

/** Reads `name:act` or `name:act:nth`. Throws `RangeError` when it is none, or when the table has no such place. */
export function parseFailPoint(text: string, table: FailPointTable): ArmedFailPoint {
  const [, name = '', act = '', nth = '1'] = /^([a-z_.]+):([a-z-]+)(?::([1-9]\d{0,5}))?$/.exec(text) ?? [];
  const known = failActs.find((it) => it === act);
  if (known === undefined) throw new RangeError(`${text} is no fail point: name:${failActs.join('|')}[:nth]`);
  if (!Object.hasOwn(table, name)) throw new RangeError(`there is no fail point ${name}`);
  return { name, act: known, nth: Number(nth) };
}

/** Passes places of one program until the armed one is reached. `tear` writes half of what is about to be written. */
export function failAt(
  { name, act, nth }: ArmedFailPoint,
  deeds: FailDeeds,
): (passed: string, tear?: () => void) => void {
  let left = nth;
  return (passed, tear) => {
    if (passed !== name) return;
    left -= 1;
    if (left !== 0) return;
    if (act === 'error') throw new Error(`fail point ${name}`);
    if (act === 'hang') deeds.hang();
    if (act === 'torn-write') tear?.();
    deeds.kill();
  };
}
