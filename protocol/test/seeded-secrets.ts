/**
 * Secrets that nobody else has, in the places where secrets turn up: 30 kinds × 20 places. Test data for everything that text
 * of a server goes through; whoever looks for them asks {@link visiblePart}. Made of parts, so that no scanner takes this
 * file for a leak.
 */
import type { Random } from './seeded-random.ts';

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const DIGITS = '0123456789';
const WORD = LOWER + UPPER + DIGITS;
const HEX = '0123456789abcdef';
const URL_SAFE = `${WORD}-_`;
const BASE64 = `${WORD}+/`;

export interface SecretKind {
  readonly kind: string;
  /** The name that it usually has in a configuration. */
  readonly name: string;
  make(random: Random): string;
}

const kind = (name: string, of: string, make: (random: Random) => string): SecretKind => ({ kind: of, name, make });

function uuid(random: Random): string {
  const hex = random.text(32, HEX);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function pem(random: Random, label: string): string {
  const lines = Array.from({ length: 6 }, () => random.text(64, BASE64));
  return [`-----BEGIN ${label} KEY-----`, ...lines, `${random.text(30, BASE64)}==`, `-----END ${label} KEY-----`].join(
    '\n',
  );
}

function jwt(random: Random): string {
  const head = Buffer.from('{"alg":"HS256","typ":"JWT"}').toString('base64url');
  return `${head}.eyJ${random.text(40, URL_SAFE)}.${random.text(43, URL_SAFE)}`;
}

/** A password as a person makes one up: no pattern of its own, only its name or its owner tells that it is one. */
function password(random: Random): string {
  const words = ['Tr0ub4dor', 'correct', 'Horse', 'battery', 'Staple', 'winter', 'Lisbon', 'kestrel'];
  return `${random.pick(words)}${random.pick(['!', '#', '$', '%', '&', '*', '@'])}${random.text(4, WORD)}${random.pick(words)}${random.int(100)}`;
}

export const secretKinds: readonly SecretKind[] = [
  kind('AWS_ACCESS_KEY_ID', 'AWS access key id', (r) => `AKIA${r.text(16, UPPER + DIGITS)}`),
  kind('AWS_SECRET_ACCESS_KEY', 'AWS secret key', (r) => r.text(40, BASE64)),
  kind('AWS_SESSION_TOKEN', 'AWS session token', (r) => `IQoJb3JpZ2luX2Vj${r.text(180, BASE64)}==`),
  kind('GITHUB_TOKEN', 'GitHub token', (r) => `ghp_${r.text(36, WORD)}`),
  kind('GH_TOKEN', 'GitHub fine-grained token', (r) => `github_pat_${r.text(22, WORD)}_${r.text(59, WORD)}`),
  kind('GITLAB_TOKEN', 'GitLab token', (r) => `glpat-${r.text(20, URL_SAFE)}`),
  kind('SLACK_TOKEN', 'Slack token', (r) => `xoxb-${r.text(12, DIGITS)}-${r.text(12, DIGITS)}-${r.text(24, WORD)}`),
  kind(
    'SLACK_WEBHOOK_TOKEN',
    'Slack webhook',
    (r) =>
      `https://hooks.slack.com/services/T${r.text(8, UPPER + DIGITS)}/B${r.text(8, UPPER + DIGITS)}/${r.text(24, WORD)}`,
  ),
  kind('STRIPE_API_KEY', 'Stripe key', (r) => `sk_live_${r.text(24, WORD)}`),
  kind('OPENAI_API_KEY', 'OpenAI key', (r) => `sk-proj-${r.text(48, URL_SAFE)}`),
  kind('ANTHROPIC_API_KEY', 'Anthropic key', (r) => `sk-ant-api03-${r.text(93, URL_SAFE)}AA`),
  kind('GOOGLE_API_KEY', 'Google API key', (r) => `AIza${r.text(35, URL_SAFE)}`),
  kind('GOOGLE_OAUTH_TOKEN', 'Google access token', (r) => `ya29.${r.text(60, URL_SAFE)}`),
  kind('SENDGRID_API_KEY', 'SendGrid key', (r) => `SG.${r.text(22, URL_SAFE)}.${r.text(43, URL_SAFE)}`),
  kind('NPM_TOKEN', 'npm token', (r) => `npm_${r.text(36, WORD)}`),
  kind('DIGITALOCEAN_TOKEN', 'DigitalOcean token', (r) => `dop_v1_${r.text(64, HEX)}`),
  kind('VAULT_TOKEN', 'Vault token', (r) => `hvs.${r.text(24, URL_SAFE)}`),
  kind('TELEGRAM_BOT_TOKEN', 'Telegram bot token', (r) => `${r.text(10, '123456789')}:AA${r.text(33, URL_SAFE)}`),
  kind('JWT_TOKEN', 'JSON web token', jwt),
  kind('AGE_SECRET_KEY', 'age key', (r) => `AGE-SECRET-KEY-1${r.text(58, UPPER.replace(/[BIO]/g, '') + DIGITS)}`),
  kind('TLS_PRIVATE_KEY', 'RSA private key', (r) => pem(r, 'RSA PRIVATE')),
  kind('SSH_PRIVATE_KEY', 'OpenSSH private key', (r) => pem(r, 'OPENSSH PRIVATE')),
  kind('COUNTERSIGN_TOKEN', 'token of ours', (r) => `csr_${r.text(43, URL_SAFE)}`),
  kind('PASSWORD_HASH', 'password hash', (r) => `$6$${r.text(16, WORD)}$${r.text(86, `${WORD}./`)}`),
  kind('DISCORD_TOKEN', 'Discord token', (r) => `M${r.text(25, WORD)}.${r.text(6, URL_SAFE)}.${r.text(38, URL_SAFE)}`),
  kind('AZURE_STORAGE_ACCOUNT_KEY', 'Azure account key', (r) => `${r.text(86, BASE64)}==`),
  kind('SESSION_SECRET', 'hex secret', (r) => r.text(64, HEX)),
  kind('HEROKU_API_KEY', 'UUID key', uuid),
  kind('SECRET_KEY_BASE', 'random word', (r) => `${r.text(43, BASE64)}=`),
  kind('DB_PASSWORD', 'password', password),
];

export interface SecretPlace {
  readonly place: string;
  /** The text, in the pieces in which a program prints it. */
  put(secret: string, name: string, random: Random): readonly string[];
}

const place = (of: string, put: (secret: string, name: string, random: Random) => string): SecretPlace => ({
  place: of,
  put: (secret, name, random) => [put(secret, name, random)],
});

const json = JSON.stringify;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const shell = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const sql = (text: string) => `'${text.replaceAll("'", "''")}'`;

export const secretPlaces: readonly SecretPlace[] = [
  place(
    'log line',
    (s, n) =>
      `2026-11-20T02:13:07Z level=info msg="loaded" ${n.toLowerCase()}=${/\s/.test(s) ? json(s) : s} took=12ms\n`,
  ),
  place('JSON body', (s, n) => `${json({ user: 'app', [n.toLowerCase()]: s, retries: 3 })}\n`),
  place('pretty JSON', (s, n) => `${json({ db: { host: 'db-1', credentials: { [n]: s } } }, null, 2)}\n`),
  place('YAML', (s, n) => `services:\n  web:\n    environment:\n      ${n}: ${json(s)}\n      LOG_LEVEL: info\n`),
  place('environment file', (s, n) => `NODE_ENV=production\n${n}=${/[\s#"']/.test(s) ? json(s) : s}\nPORT=3000\n`),
  place('shell export', (s, n) => `export ${n}=${shell(s)} && ./start.sh\n`),
  place(
    'URL with a password',
    (s) =>
      `error: cannot connect to postgres://shop:${encodeURIComponent(s)}@db-1.internal:5432/shop?sslmode=require\n`,
  ),
  place(
    'query string',
    (s, n) =>
      `10.0.0.7 - - [20/Nov/2026:02:13:07 +0000] "GET /hook?id=7&${n.toLowerCase()}=${encodeURIComponent(s)}&v=2 HTTP/1.1" 200 12 "-" "curl/8.5"\n`,
  ),
  place(
    'Authorization header',
    (s) =>
      `> GET /v1/charges HTTP/1.1\n> Host: api.example.org\n> Authorization: Bearer ${s.replaceAll('\n', ' ')}\n> Accept: */*\n`,
  ),
  place(
    'header of its own',
    (s, n) =>
      `headers: { 'x-${n.toLowerCase().replaceAll('_', '-')}': ${json(s)}, 'content-type': 'application/json' }\n`,
  ),
  place(
    'option of a command',
    (s, n) => `+ deploy --region eu-1 --${n.toLowerCase().replaceAll('_', '-')} ${shell(s)} --verbose\n`,
  ),
  place(
    'SQL statement',
    (s) => `2026-11-20 02:13:07 UTC [812] STATEMENT:  ALTER ROLE shop WITH LOGIN PASSWORD ${sql(s)};\n`,
  ),
  place(
    'SQL connection string',
    (s) =>
      `DBI connect('host=db-1 port=5432 dbname=shop user=shop password=${s.includes('\n') ? `'${s}'` : s}') failed\n`,
  ),
  place(
    'stack trace',
    (s, n) =>
      `Error: connect ECONNREFUSED 10.0.0.5:5432\n    at Client.connect (/srv/shop/db.js:31:11) {\n  config: { user: 'shop', ${n.toLowerCase()}: ${shell(s)} },\n  code: 'ECONNREFUSED'\n}\n`,
  ),
  place(
    'journald export',
    (s, n) =>
      `_SYSTEMD_UNIT=shop.service\n_CMDLINE=/srv/shop/bin/web --${n.toLowerCase().replaceAll('_', '-')}=${s}\nMESSAGE=started\n`,
  ),
  place(
    'JSON in JSON',
    (s, n) => `${json({ level: 'error', body: json({ request: json({ [n.toLowerCase()]: s }) }) })}\n`,
  ),
  place('basic authentication', (s) => `curl: (22) 401, sent: authorization: Basic ${base64(`shop:${s}`)}\n`),
  place(
    'XML',
    (s, n) =>
      `<settings><server><id>nexus</id><${n.toLowerCase()}>${s.replaceAll('&', '&amp;')}</${n.toLowerCase()}></server></settings>\n`,
  ),
  place(
    'container inspect',
    (s, n) =>
      `            "Env": [\n                "PATH=/usr/bin",\n                ${json(`${n}=${s}`)},\n                "TZ=UTC"\n            ],\n`,
  ),
  {
    place: 'split over two chunks',
    put(secret, name, random) {
      const text = `starting worker 3 with ${name}=${/\s/.test(secret) ? json(secret) : secret}\nready\n`;
      const cut = text.indexOf('=') + 1 + random.int(Math.max(1, secret.length));
      return [text.slice(0, cut), text.slice(cut)];
    },
  },
];

/** One secret in one place. */
export interface SeededSecret {
  readonly kind: string;
  readonly place: string;
  readonly name: string;
  readonly secret: string;
  readonly chunks: readonly string[];
}

/** Every kind in every place, each with a secret of its own. */
export function seededSecrets(random: Random): SeededSecret[] {
  return secretKinds.flatMap(({ kind, name, make }) =>
    secretPlaces.map(({ place, put }) => {
      const secret = make(random);
      return { kind, place, name, secret, chunks: put(secret, name, random) };
    }),
  );
}

/** Characters in a row by which a secret is recognised. */
export const RUN = 12;

/**
 * The part of a secret that can be seen in a text, in whichever writing: as it is, escaped, encoded. Twelve characters of it in
 * a row count; what every secret of its kind begins with does not. `null` when nothing can be seen.
 */
export function visiblePart(secret: Pick<SeededSecret, 'secret' | 'kind'>, text: string): string | null {
  for (const writing of writingsOf(secret))
    for (let at = 0; at === 0 || at + RUN <= writing.length; at += 1) {
      const part = writing.slice(at, at + RUN);
      if (part.length > 4 && text.includes(part)) return part;
    }
  return null;
}

/** How a secret may turn up, line by line: as it is, escaped, in a URL, in base64 whatever stands before it. */
export function writingsOf({ secret, kind }: Pick<SeededSecret, 'secret' | 'kind'>): string[] {
  const tellsNothing = kind.endsWith('private key')
    ? /^-----.*-----$/
    : /^(?:https:\/\/hooks\.slack\.com\/services\/|IQoJb3JpZ2luX2Vj|eyJ[A-Za-z0-9]*\.)/;
  const lines = secret.split('\n').filter((line) => !(kind.endsWith('private key') && tellsNothing.test(line)));
  const writings = lines.flatMap((line) => {
    const core = line.replace(tellsNothing, '');
    return [core, json(core).slice(1, -1), encodeURIComponent(core), core.replaceAll('&', '&amp;')];
  });
  for (const skip of [0, 1, 2]) writings.push(base64(`${'x'.repeat(skip)}${secret}`).slice(skip === 0 ? 0 : 4, -4));
  return writings;
}
