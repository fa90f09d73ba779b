/** The lines that connect an assistant. The same on the first run, in `token create` and in the documentation. */

export interface Connect {
  readonly mcpUrl: string;
  /** A token, or the word that stands for one. */
  readonly token: string;
}

/** One block per client. Sources: `claude mcp add --help`, `codex mcp add --help`, Cursor `mcp.json`. */
export function connectLines({ mcpUrl, token }: Connect): string[] {
  const cursor = { mcpServers: { countersign: { url: mcpUrl, headers: { Authorization: `Bearer ${token}` } } } };
  return [
    'Claude Code',
    `  claude mcp add --transport http countersign ${mcpUrl} --header "Authorization: Bearer ${token}"`,
    'Codex',
    `  export COUNTERSIGN_TOKEN=${token}`,
    `  codex mcp add countersign --url ${mcpUrl} --bearer-token-env-var COUNTERSIGN_TOKEN`,
    'Cursor (~/.cursor/mcp.json)',
    `  ${JSON.stringify(cursor)}`,
  ];
}

/** What an assistant needs before it trusts a certificate that nobody vouches for. Found by running the clients. */
export function trustLines(certificateFile: string): string[] {
  return [
    'First, in the shell that starts it: the certificate here is home-made',
    `  export NODE_EXTRA_CA_CERTS=${certificateFile}   # Claude Code`,
    `  export CODEX_CA_CERTIFICATE=${certificateFile}   # Codex`,
  ];
}
