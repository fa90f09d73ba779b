/** What the environment says about simulations: how to have one again that failed. */

/** Reads our variables. */
export function readEnv(source: Readonly<Record<string, string | undefined>> = process.env) {
  return {
    /** The seed that a failure printed. */
    seed: source.COUNTERSIGN_SEED,
    /** With it, the path to the interleaving that failed. */
    path: source.COUNTERSIGN_SEED_PATH,
  };
}
