/** What is to be written into a file travels, is shown and is kept as it is: a secret in it has to be a reference. */
import { fault, redact } from '@countersign/protocol';

/** A word with a reference in it, with what may stand before it: `Authorization: Bearer {{secret:name}}`. */
const REFERRING =
  /(?:\b(?:authorization|x-api-key|x-auth-token)["']?\s{0,9}[:=]\s{0,9}["']?)?(?:\b(?:bearer|basic)\s{1,9})?[^\s]{0,200}\{\{secret:[a-z][a-z0-9_-]{0,39}\}\}[^\s]{0,200}/gi;
/** Long random words that everybody may see. RFC 7468. */
const PUBLIC = /-----BEGIN (CERTIFICATE|PUBLIC KEY|X509 CRL)-----[\s\S]*?-----END \1-----/g;
/** Values that tell nothing, even where the name sounds secret: `token_ttl = 300`, `secret_file: /run/secrets/db`. */
const TELLS_NOTHING = /([:=]\s{0,9})([\d.]{1,8}[a-z%]{0,2}|\/[\w./-]{0,1000})(?=\s|[,;]|$)/gi;
/** A part of a path that is no name: Base64 may begin with a slash. */
const RANDOM_PART = /(?=[^/]{0,99}[a-z])(?=[^/]{0,99}[A-Z])(?=[^/]{0,99}\d)[^/]{12}/;

/** Throws `secret_parameter` when a text that is to be written holds what looks like a secret. */
export function refusePlainSecret(content: string): void {
  const rest = content
    .replace(PUBLIC, '')
    .replace(REFERRING, '[redacted]')
    .replace(TELLS_NOTHING, (whole: string, before: string, value: string) =>
      RANDOM_PART.test(value) || redact(value).count > 0 ? whole : `${before}none`,
    );
  if (redact(rest).count > 0) throw fault('secret_parameter', { parameter: 'content' });
}
