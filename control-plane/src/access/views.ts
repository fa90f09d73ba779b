/** People and tokens as the operator API shows them. */
import { isoTime } from '@countersign/protocol';
import type { PasskeyView, personViewSchema, tokenViewSchema } from '@countersign/protocol/operator-api/index';
import type { z } from 'zod';
import type { Passkey } from './passkey.store.ts';
import type { PersonWithLinks } from './person.store.ts';
import type { Token } from './token.store.ts';

export function personView(person: PersonWithLinks): z.infer<typeof personViewSchema> {
  return {
    id: person.id,
    name: person.name,
    email: person.email,
    role: person.role,
    totp: person.totp_confirmed === 1,
    telegram:
      person.telegram_id === null ? null : { id: person.telegram_id, name: person.telegram_name ?? person.telegram_id },
    ide_answers: person.ide_answers === 1,
    passkeys: Number(person.passkeys),
  };
}

export function passkeyView(passkey: Passkey): PasskeyView {
  return {
    id: passkey.id,
    name: passkey.name,
    credential: passkey.credential_id,
    key: passkey.public_key,
    created_at: isoTime(passkey.created_at),
    last_used_at: passkey.last_used_at === null ? null : isoTime(passkey.last_used_at),
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
