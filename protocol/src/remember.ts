/**
 * What `work` makes for a key, made once as long as it is kept. When `most` are kept, all are forgotten, so that nobody fills the
 * memory by asking for more. Work that throws leaves nothing behind.
 */
export function remember<T extends NonNullable<unknown> | null>(
  kept: Map<string, T>,
  most: number,
  key: string,
  work: () => T,
): T {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const made = work();
  if (kept.size >= most) kept.clear();
  kept.set(key, made);
  return made;
}
