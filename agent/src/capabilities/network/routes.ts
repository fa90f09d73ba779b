/** The routes of this server. Source: ip-route(8). */
import { z } from 'zod';
import { parsedJson } from '../../host/parsed-json.ts';
import type { ObserveContext } from '../capability.ts';

const routesSchema = z.array(
  z.object({
    dst: z.string(),
    gateway: z.string().optional(),
    dev: z.string().optional(),
    scope: z.string().optional(),
  }),
);
export type Route = z.infer<typeof routesSchema>[number];

/** Routes of both families; `null` when they cannot be told. */
export async function readRoutes(context: ObserveContext): Promise<Route[] | null> {
  const found: Route[] = [];
  for (const family of ['-4', '-6']) {
    const argv = ['ip', '-json', family, 'route', 'show'];
    const done = await context.exec({ argv, timeoutMs: 5000, hostNetwork: true, signal: context.signal });
    const parsed = routesSchema.safeParse(done.exitCode === 0 ? parsedJson(done.stdout) : null);
    if (!parsed.success) return null;
    found.push(...parsed.data);
  }
  return found;
}

/** Where a link sends what it knows no other way for, and the link. */
export const defaultRoute = (routes: readonly Route[]) => routes.find(({ dst }) => dst === 'default');
