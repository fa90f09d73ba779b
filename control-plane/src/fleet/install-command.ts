/** The command that installs the agent on a server. Pure. */

export interface InstallTarget {
  /** Origin of the control plane, without a slash at the end. */
  readonly url: string;
  /** One-use enrolment token. */
  readonly token: string;
  /** Public key of the control plane, which the agent pins. */
  readonly controlPlaneKey: string;
  /** `sha256//…` when the certificate is home-made: curl and the agent then trust this key and no other. Otherwise null. */
  readonly tlsPin: string | null;
}

/**
 * Two forms for a shell of the server. `command` downloads and runs at once; `careful` downloads, so that the script can be
 * read before it is run. With a pin, curl checks the public key instead of the certificate's issuer (curl(1), `--insecure`
 * and `--pinnedpubkey`: a key that does not fit still ends the transfer).
 */
export function installCommand(target: InstallTarget): { readonly command: string; readonly careful: string } {
  const download = [
    'curl -fsSL',
    ...(target.tlsPin === null ? [] : [`--insecure --pinnedpubkey ${quote(target.tlsPin)}`]),
    ...(target.url.startsWith('https:') ? ["--proto '=https'"] : []),
  ].join(' ');
  const script = quote(`${target.url}/install.sh`);
  const options = [
    `--token ${quote(target.token)}`,
    `--url ${quote(target.url)}`,
    `--cp-key ${quote(target.controlPlaneKey)}`,
    ...(target.tlsPin === null ? [] : [`--tls-pin ${quote(target.tlsPin)}`]),
  ].join(' ');
  return {
    command: `${download} ${script} | sudo sh -s -- ${options}`,
    careful: `${download} -o install.sh ${script} && less install.sh && sudo sh install.sh ${options}`,
  };
}

/** A word for a POSIX shell. Source: POSIX.1-2024, Shell Command Language, 2.2.2. */
function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
