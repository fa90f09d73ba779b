/**
 * The policy: ordered rules, the first that matches wins. What no rule matches is asked for. Source: design.md, section 8.
 */
import {
  type Channel,
  changeIdSchema,
  channelSchema,
  durationMs,
  durationSchema,
  type Risk,
  riskSchema,
  type Strength,
  strengthSchema,
} from '@countersign/protocol';
import { type Role, roleSchema } from '@countersign/protocol/operator-api/index';
import { z } from 'zod';

const list = <S extends z.ZodType>(item: S) => z.array(item).min(1).max(100);
/** A word, or its beginning and `*`. */
const pattern = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^*]*\*?$/, 'a word; only its end may be *');
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time such as 22:00');
const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const zone = z
  .string()
  .max(60)
  .refine(
    (name) => Intl.supportedValuesOf('timeZone').includes(name) || name === 'UTC',
    'a time zone such as Europe/Berlin',
  );

/** A command that a server's owner declared; `local.run` stands for all of them. */
const ownCommandIdSchema = z.string().regex(/^local\.[a-z][a-z0-9_-]{0,39}$/, 'a capability, or local.NAME');

/** All of these must hold. An empty `when` holds always. */
const whenSchema = z.strictObject({
  servers: list(pattern).optional(),
  /** Every label must have this value. */
  labels: z.record(z.string(), z.string()).optional(),
  playbooks: list(pattern).optional(),
  /** For `allow`: every step must be one of these. For `ask` and `deny`: some step is. */
  capabilities: list(z.union([changeIdSchema, ownCommandIdSchema])).optional(),
  /** A command that is known to read only, here and on the server. Nothing else that a rule allows makes it run at once. */
  reading_command: z.literal(true).optional(),
  /**
   * Programs that a command would start, however deep: in `sh -c`, behind `sudo` and the like, by our reading. `?` is what could not be
   * looked into. For `ask` and `deny` only.
   */
  programs: list(pattern).optional(),
  risk: list(riskSchema).optional(),
  /** E-mail addresses of those who ask. */
  people: list(z.string().max(200)).optional(),
  /** Names of tokens. */
  tokens: list(pattern).optional(),
  /** What the client program calls itself: data, not proof. */
  clients: list(pattern).optional(),
  time: z
    .strictObject({
      days: list(z.enum(days)).optional(),
      from: timeOfDay,
      /** Earlier than `from`: the window goes over midnight. */
      to: timeOfDay,
      zone: zone.default('UTC'),
    })
    .optional(),
});
export type When = z.output<typeof whenSchema>;

const expires = durationSchema
  .refine((text) => durationMs(text) >= 5_000 && durationMs(text) <= 86_400_000, 'from 5s to 24h')
  .default('15m');

const askSchema = z.strictObject({
  approvals: z.int().min(1).max(5).default(1),
  from: list(roleSchema.exclude(['viewer'])).default(['approver', 'owner']),
  channels: list(channelSchema).default(['telegram', 'web', 'cli', 'ide']),
  strength: strengthSchema.default('tap'),
  expires,
});

const ruleName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,59}$/, 'lower-case letters, digits and dashes');
const ruleSchema = z
  .strictObject({
    name: ruleName,
    when: whenSchema.default({}),
    allow: z.literal(true).optional(),
    ask: askSchema.optional(),
    deny: z.strictObject({ reason: z.string().min(3).max(300) }).optional(),
  })
  .refine(
    ({ allow, ask, deny }) => [allow, ask, deny].filter((it) => it !== undefined).length === 1,
    'exactly one of `allow: true`, `ask: {…}` and `deny: {reason: …}`',
  )
  .refine(({ allow, when }) => !allow || when.programs === undefined, {
    path: ['when', 'programs'],
    error: 'what we read in a command explains and denies; nothing is allowed because of it',
  });
export type Rule = z.output<typeof ruleSchema>;

/** What else can change than servers: the rules themselves, who may do what, who works here, and the tokens of assistants. */
export const changeKinds = ['policy', 'role', 'person', 'token'] as const;
export type ChangeKind = (typeof changeKinds)[number];

/** Before such a change. The first that matches wins; what is left out is as without a rule. */
const administrationRuleSchema = z.strictObject({
  name: ruleName,
  when: z.strictObject({ change: list(z.enum(changeKinds)).optional() }).default({}),
  ask: z.strictObject({
    /** How many owners have to agree besides who asks. */
    others: z.int().min(0).max(3).default(0),
    /** How strong the fresh proof has to be, of who asks and of who agrees. */
    strength: z.enum(['session', 'code', 'passkey']).optional(),
  }),
});

export const policySchema = z
  .strictObject({
    format: z.literal('countersign-policy/1'),
    rules: z.array(ruleSchema).max(500),
    administration: z.array(administrationRuleSchema).max(50).optional(),
  })
  .superRefine(({ rules, administration = [] }, context) => {
    for (const [list, named] of Object.entries({ rules, administration })) {
      const seen = new Set<string>();
      for (const [n, { name }] of named.entries()) {
        if (seen.has(name))
          context.addIssue({ code: 'custom', path: [list, n, 'name'], message: `${name} is there twice` });
        seen.add(name);
      }
    }
  });
export type Policy = z.output<typeof policySchema>;

/** What is asked for before an action may start. */
export interface Ask {
  readonly approvals: number;
  readonly from: readonly Role[];
  readonly channels: readonly Channel[];
  readonly strength: Strength;
  /** How long a request waits for a decision, milliseconds. */
  readonly expiresMs: number;
}

/** What rules look at. */
export interface PolicyFacts {
  readonly server: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly playbook: string | null;
  /** A command of a server's owner stands here as `local.<name>`. */
  readonly capabilities: readonly string[];
  /** Whether all that it does is to run commands that are known to read only. */
  readonly readingCommand: boolean;
  /** Programs that its commands would start, by our reading; `?` for what could not be looked into. */
  readonly programs: readonly string[];
  readonly risk: Risk;
  readonly person: { readonly email: string };
  readonly token: { readonly name: string } | null;
  readonly client: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** What policy says of a request, by which rule and why. */
export type PolicyVerdict =
  | { readonly verdict: 'allow'; readonly rule: string; readonly why: string }
  | { readonly verdict: 'ask'; readonly rule: string; readonly why: string; readonly ask: Ask }
  | { readonly verdict: 'deny'; readonly rule: string; readonly why: string; readonly reason: string };
