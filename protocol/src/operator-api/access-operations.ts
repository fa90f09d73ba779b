/** Who gets in: setup, sign-in, people, and the tokens of assistants. */
import { z } from 'zod';
import { operation } from './operation.ts';
import { proofSchema } from './proof.ts';
import { personViewSchema, roleSchema, tokenViewSchema } from './views.ts';

const nothing = z.strictObject({});
const done = z.object({ done: z.literal(true) });
const email = z.email().max(200);
const password = z.string().min(12, 'at least 12 characters').max(200);
const code = z.string().regex(/^\d{6}$/, 'six digits');
const personName = z.string().trim().min(1).max(100);
/** Where a rule under `administration:` of the policy asks for one. */
const proof = proofSchema.optional();
const signedIn = z.object({
  person: personViewSchema,
  /** For the CLI; browsers get a cookie instead. */ session: z.string().nullable(),
  expires_at: z.string(),
});
export const accessOperations = {
  getSetup: operation(
    'public',
    'GET',
    '/setup',
    'Whether the first owner is still to be made.',
    nothing,
    z.object({ needed: z.boolean() }),
  ),
  setUp: operation(
    'public',
    'POST',
    '/setup',
    'Makes the first owner, with the secret of the setup link.',
    z.strictObject({ secret: z.string().max(200), email, name: personName, password, cli: z.boolean().default(false) }),
    signedIn,
  ),
  signIn: operation(
    'public',
    'POST',
    '/session',
    'Signs a person in.',
    z.strictObject({ email, password: z.string().max(200), code: code.optional(), cli: z.boolean().default(false) }),
    signedIn,
  ),
  signOut: operation('person', 'DELETE', '/session', 'Ends this session.', nothing, done),
  getMe: operation(
    'person',
    'GET',
    '/session',
    'Who is signed in.',
    nothing,
    z.object({ person: personViewSchema, strength: z.string() }),
  ),
  startTotp: operation(
    'person',
    'POST',
    '/session/totp',
    'Makes a new secret for an authenticator app. Takes a proof, unless you signed in less than ten minutes ago.',
    z.strictObject({ proof }),
    z.object({ secret: z.string(), uri: z.string() }),
  ),
  confirmTotp: operation(
    'person',
    'PUT',
    '/session/totp',
    'Turns the authenticator app on, with a code of it.',
    z.strictObject({ code }),
    done,
  ),
  setIdeAnswers: operation(
    'person',
    'PUT',
    '/session/ide-answers',
    'Whether your answers to MCP form prompts count for low risk.',
    z.strictObject({ on: z.boolean(), password: z.string().max(200) }),
    done,
  ),
  listPeople: operation(
    'person',
    'GET',
    '/people',
    'Who works here.',
    nothing,
    z.object({ people: z.array(personViewSchema) }),
  ),
  invitePerson: operation(
    'owner',
    'POST',
    '/people',
    'Makes a one-use link for a new person.',
    z.strictObject({ email, name: personName, role: roleSchema, proof }),
    z.object({ person: personViewSchema, link: z.string(), expires_at: z.string() }),
  ),
  acceptInvitation: operation(
    'public',
    'POST',
    '/people/accept',
    'Sets the password of an invited person.',
    z.strictObject({ secret: z.string().max(200), password, cli: z.boolean().default(false) }),
    signedIn,
  ),
  removePerson: operation(
    'owner',
    'DELETE',
    '/people/{person}',
    'Takes all access from a person.',
    z.strictObject({ person: z.string().max(40), proof }),
    done,
  ),

  listTokens: operation(
    'person',
    'GET',
    '/tokens',
    'Tokens of assistants.',
    nothing,
    z.object({ tokens: z.array(tokenViewSchema) }),
  ),
  createToken: operation(
    'person',
    'POST',
    '/tokens',
    'Makes a token for an assistant. It can ask, never decide.',
    z.strictObject({
      name: personName,
      scope: z.enum(['read', 'request']).default('request'),
      days: z.int().min(1).max(3650).optional(),
      proof,
    }),
    z.object({ token: tokenViewSchema, secret: z.string().describe('shown once') }),
  ),
  revokeToken: operation(
    'person',
    'DELETE',
    '/tokens/{token}',
    'Ends a token.',
    z.strictObject({ token: z.string().max(40) }),
    done,
  ),
};
