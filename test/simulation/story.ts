/** What happens in one interleaving of the lifecycle: who asks for what, and what people, clocks, links and crashes do meanwhile. */
import fc from 'fast-check';

export interface Ask {
  readonly risk: 'low' | 'medium' | 'high' | 'critical';
  readonly unit: 'nginx' | 'php-fpm';
}

export type Sweep = 'expire' | 'dispatch' | 'lose' | 'resend' | 'resume';

/** `of` is the number of the ask. */
export type Move =
  | { readonly do: 'approve'; readonly of: number; readonly by: number; readonly digest: 'right' | 'wrong' }
  | { readonly do: 'reject'; readonly of: number; readonly by: number }
  | { readonly do: 'withdraw' | 'stop' | 'ask again' | 'close'; readonly of: number }
  | { readonly do: 'sweep'; readonly which: Sweep }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'link'; readonly up: boolean }
  | { readonly do: 'policy'; readonly strict: boolean }
  | { readonly do: 'pause'; readonly on: boolean }
  | { readonly do: 'drift'; readonly of: number }
  | { readonly do: 'server clock'; readonly ms: number }
  | { readonly do: 'crash'; readonly what: 'runner' | 'control plane'; readonly after: number };

export interface Story {
  readonly asks: readonly Ask[];
  readonly moves: readonly Move[];
  /** Decides what becomes of messages, and how long steps take. */
  readonly seed: number;
}

const of = fc.nat({ max: 1 });
const ask = fc.record<Ask>({
  risk: fc.oneof(
    { weight: 2, arbitrary: fc.constant('low' as const) },
    { weight: 5, arbitrary: fc.constant('medium' as const) },
    { weight: 3, arbitrary: fc.constant('high' as const) },
    { weight: 1, arbitrary: fc.constant('critical' as const) },
  ),
  unit: fc.constantFrom('nginx', 'php-fpm'),
});

/** Long enough, now and then, for every window to close. */
const ms = fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 3000, max: 200_000 }));

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('approve' as const),
      of,
      by: fc.nat({ max: 3 }),
      digest: fc.oneof(
        { weight: 9, arbitrary: fc.constant('right' as const) },
        { weight: 1, arbitrary: fc.constant('wrong' as const) },
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reject' as const), of, by: fc.nat({ max: 3 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('withdraw' as const, 'stop' as const, 'ask again' as const, 'close' as const),
      of,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('sweep' as const),
      which: fc.constantFrom<Sweep>('expire', 'dispatch', 'lose', 'resend', 'resume'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('pass' as const), ms }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('link' as const), up: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('policy' as const), strict: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pause' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drift' as const), of }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('server clock' as const), ms: fc.integer({ min: -100_000, max: 100_000 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('crash' as const),
      what: fc.constantFrom('runner' as const, 'control plane' as const),
      after: fc.integer({ min: 1, max: 60 }),
    }),
  },
);

export const story: fc.Arbitrary<Story> = fc.record({
  asks: fc.array(ask, { minLength: 1, maxLength: 2 }),
  moves: fc.array(move, { minLength: 3, maxLength: 12 }),
  seed: fc.noBias(fc.noShrink(fc.integer())),
});
