/** `main.ts` and `start.ts` are told everything by the environment: a word behind them is a mistake that would pass unseen. */

/** Ends the process with exit code 2 and one line when it was given arguments. */
export function refuseArguments(argv: readonly string[]): void {
  const [first] = argv;
  if (first === undefined) return;
  process.stderr.write(
    `error: unknown argument '${first}': the control plane takes none, its settings are environment variables (docs/configuration.md). For commands: npm run -s cli -- --help\n`,
  );
  process.exit(2);
}
