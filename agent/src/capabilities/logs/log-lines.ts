/** Lines of a log, whatever program wrote it: their level, and which of them say the same. */

/** A line's level by its words, where nothing else tells it. */
export function levelOf(line: string): 'error' | 'warning' | 'info' {
  if (/\b(emerg|alert|crit(ical)?|fatal|panic|error|err|exception|traceback|segfault)\b/i.test(line)) return 'error';
  if (/\bwarn(ing)?\b/i.test(line)) return 'warning';
  return 'info';
}

/** The level of a syslog priority (0 to 7). */
export function levelOfPriority(priority: number): 'error' | 'warning' | 'info' {
  return priority <= 3 ? 'error' : priority === 4 ? 'warning' : 'info';
}

/** The most frequent lines, with numbers, times and addresses taken as equal: each with how often, most first. */
export function mostFrequent(
  lines: readonly string[],
  top: number,
): { readonly example: string; readonly times: number }[] {
  const groups = Map.groupBy(lines, (line) =>
    line
      .replace(/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*/g, '#')
      .replace(/0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+/gi, '#')
      .slice(0, 200),
  );
  return [...groups.values()]
    .map((those) => ({ example: those.at(-1) ?? '', times: those.length }))
    .sort((a, b) => b.times - a.times)
    .slice(0, top);
}
