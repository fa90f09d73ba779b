/** Contenders side by side: each in every round, so that what else goes on in the machine meets all of them. */

/** What one contender showed in one round: figures by name. */
export type Readings = Readonly<Record<string, number>>;
export type Contenders = Readonly<Record<string, (round: number) => Promise<Readings>>>;

/** How often each contender is measured. */
export const ROUNDS = 3;

/** Measures all contenders in each round, one after the other; who begins changes from round to round. */
export async function interleave<C extends Contenders>(
  contenders: C,
  rounds = ROUNDS,
): Promise<Record<keyof C & string, Readings[]>> {
  const names = Object.keys(contenders) as (keyof C & string)[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as Readings[]])) as Record<
    keyof C & string,
    Readings[]
  >;
  for (let round = 0; round < rounds; round += 1)
    for (let turn = 0; turn < names.length; turn += 1) {
      const name = names[(turn + round) % names.length];
      const measure = name === undefined ? undefined : contenders[name];
      if (name === undefined || measure === undefined) throw new TypeError('a contender without a name');
      measured[name].push(await measure(round));
    }
  return measured;
}

/** One figure over all rounds. Throws when a round does not have it. */
export function column(readings: readonly Readings[], name: string): number[] {
  return readings.map((reading) => {
    const value = reading[name];
    if (value === undefined || Number.isNaN(value)) throw new TypeError(`no figure ${name}`);
    return value;
  });
}
