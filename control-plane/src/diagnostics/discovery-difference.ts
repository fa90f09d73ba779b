/** What came, went and changed between two looks at a server. Pure. */
import type { Discovered, Discovery } from '@countersign/protocol';

export interface DiscoveryDifference {
  readonly appeared: readonly Discovered[];
  readonly gone: readonly Discovered[];
  /** As they are now, with how they were. */
  readonly changed: readonly (Discovered & { readonly was: string })[];
}

/** A kind that could not be looked for, then or now, has no difference: nobody knows what is gone. */
export function differenceBetween(before: Discovery, now: Discovery): DiscoveryDifference {
  const blind = new Set([...before.blind, ...now.blind].map(({ kind }) => kind));
  const then = byName(before, blind);
  const present = byName(now, blind);
  return {
    appeared: [...present].filter(([name]) => !then.has(name)).map(([, thing]) => thing),
    gone: [...then].filter(([name]) => !present.has(name)).map(([, thing]) => thing),
    changed: [...present].flatMap(([name, thing]) => {
      const was = then.get(name);
      if (was === undefined || (was.state === thing.state && was.detail === thing.detail)) return [];
      return [{ ...thing, was: was.state === thing.state ? was.detail : (was.state ?? was.detail) }];
    }),
  };
}

function byName({ found }: Discovery, blind: ReadonlySet<string>): Map<string, Discovered> {
  return new Map(found.filter(({ kind }) => !blind.has(kind)).map((thing) => [`${thing.kind} ${thing.name}`, thing]));
}
