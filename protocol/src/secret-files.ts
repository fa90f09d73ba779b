/** Files that hold keys and passwords and nothing else worth reading: never opened, whatever a policy allows. */

/** Whole folders and files. */
export const secretPaths = [
  '/etc/shadow',
  '/etc/gshadow',
  '/etc/shadow-',
  '/etc/gshadow-',
  '/etc/security/opasswd',
  '/etc/ssl/private',
  '/etc/letsencrypt/archive',
  '/etc/letsencrypt/live',
  '/etc/letsencrypt/keys',
  '/etc/letsencrypt/accounts',
  '/etc/wireguard',
  // Programs of root that keep their tokens among their settings.
  ...['doctl', 'gcloud', 'gh', 'hcloud', 'op', 'rclone', 'sops'].map((name) => `/root/.config/${name}`),
  '/etc/countersign',
  '/var/lib/countersign',
  '/opt/countersign',
] as const;

/** Names of files, wherever they lie. */
const NAMES: readonly RegExp[] = [
  /^ssh_host_.*_key$/,
  /^id_(rsa|dsa|ecdsa|ed25519|ecdsa_sk|ed25519_sk)$/,
  /^privkey\d*\.pem$/,
  /\.(key|p12|pfx|jks|keystore|kdbx|ppk|keytab|gpg|asc\.key)$/i,
  /^(\.pgpass|\.my\.cnf|\.netrc|\.git-credentials|\.vault-token|\.htpasswd|krb5\.keytab|secring\.gpg)$/,
];

/** Folders whose content is secret, wherever they lie. What is public in them is named. */
const FOLDERS: readonly { readonly folder: string; readonly except: RegExp }[] = [
  { folder: '.ssh', except: /^(authorized_keys2?|known_hosts|config|.*\.pub)$/ },
  { folder: '.gnupg', except: /^$/ },
  { folder: '.aws', except: /^config$/ },
  { folder: '.kube', except: /^$/ },
  { folder: '.docker', except: /^$/ },
];

/** Why a file is never read or written, or `undefined`. The path must be the real one, links resolved. */
export function secretBecause(realPath: string): string | undefined {
  if (secretPaths.some((path) => realPath === path || realPath.startsWith(`${path}/`)))
    return 'it holds keys or passwords';
  const name = realPath.slice(realPath.lastIndexOf('/') + 1);
  if (NAMES.some((pattern) => pattern.test(name))) return 'its name is that of a key or password file';
  const parts = realPath.split('/');
  const inside = FOLDERS.find(({ folder, except }) => parts.slice(0, -1).includes(folder) && !except.test(name));
  return inside && `folder ${inside.folder} holds keys or passwords`;
}
