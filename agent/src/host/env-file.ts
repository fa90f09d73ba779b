/** Files of `NAME=value` lines: those of programs, read, and those that systemd is given, written. Source: systemd.exec(5). */

/** The names and values of a file, quotes around a value taken off. */
export function parseEnvFile(text: string): { readonly name: string; readonly value: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, name, raw = ''] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === undefined) return [];
    return [{ name, value: /^(["'])(.*)\1$/.exec(raw)?.[2] ?? raw }];
  });
}

/** The text of an `EnvironmentFile=`: values in double quotes, where `"`, `\`, `` ` `` and `$` need a backslash. */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `${name}="${value.replace(/["\\`$]/g, '\\$&')}"\n`)
    .join('');
}
