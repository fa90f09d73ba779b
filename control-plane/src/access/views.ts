/** People and tokens as the operator API shows them. */
import { isoTime } from '@countersign/protocol';
import type { personViewSchema, tokenViewSchema } from '@countersign/protocol/operator-api/index';
import type { z } from 'zod';
import type { PersonWithTelegram } from './person.store.ts';
import type { Token } from './token.store.ts';

export function personView(person: PersonWithTelegram): z.infer<typeof personViewSchema> {
  return {
    id: person.id,
    name: person.name,
    email: person.email,
    role: person.role,
    totp: person.totp_confirmed === 1,
    telegram:
      person.telegram_id === null ? null : { id: person.telegram_id, name: person.telegram_name ?? person.telegram_id },
    ide_answers: person.ide_answers === 1,
    passkeys: 0,
  };
}

export function tokenView(token: Token): z.infer<typeof tokenViewSchema> {
  return {
    id: token.id,
    name: token.name,
    scope: token.scope,
    created_at: isoTime(token.created_at),
    last_used_at: token.last_used_at === null ? null : isoTime(token.last_used_at),
    last_client: token.last_client,
    expires_at: token.expires_at === null ? null : isoTime(token.expires_at),
  };
}
