/** Pages of rows, never longer than what fits. */
import { z } from 'zod';
import { countThatFits } from './fit.ts';
import { resultFits } from './tool-result.ts';

/** One page as an operation gives it. */
interface Fetched<R> {
  readonly rows: readonly R[];
  readonly next_cursor: string | null;
}

/** What every paged answer says besides its rows. */
export const pageSchema = {
  next_cursor: z.string().nullable(),
  hint: z.string().optional(),
};

type PageOf<N extends string, R> = { [name in N]: R[] } & { next_cursor: string | null; hint?: string };

/**
 * Fetches a page and puts its rows under `name`. Where they are too many for one result, a shorter page is fetched, so
 * that `next_cursor` goes on right after the last row that is shown.
 */
export async function fetchPage<N extends string, R>(
  name: N,
  limit: number,
  fetch: (limit: number) => Promise<Fetched<R>>,
): Promise<PageOf<N, R>> {
  const page = ({ rows, next_cursor }: Fetched<R>, hint?: string) =>
    ({ [name]: rows, next_cursor, ...(hint === undefined ? {} : { hint }) }) as PageOf<N, R>;
  const hint = (count: number) => `Only ${count} rows fit: pass next_cursor as cursor for the rest, or filter.`;
  const first = await fetch(limit);
  if (resultFits(page(first))) return page(first);
  const most = countThatFits(first.rows, (rows) => resultFits(page({ ...first, rows }, hint(rows.length))));
  const shorter = await fetch(Math.max(1, most));
  return page(shorter, hint(shorter.rows.length));
}
