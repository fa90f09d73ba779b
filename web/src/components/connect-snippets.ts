/** What to type or write to connect each assistant. Sources: `claude mcp add --help`, `codex mcp add --help`, Cursor's mcp.json. */

export interface Snippet {
  readonly label: string;
  readonly text: string;
  readonly wrap?: boolean;
}

export interface Connection {
  readonly mcpUrl: string;
  readonly stdioCommand: string;
  /** A token, or the word that stands for one. */
  readonly token: string;
}

export type Client = 'claude' | 'cursor' | 'codex';

export const clients = { claude: 'Claude Code', cursor: 'Cursor', codex: 'Codex' } as const satisfies Record<
  Client,
  string
>;

/** Over HTTP: the usual way. */
export function httpSnippets(client: Client, { mcpUrl, token }: Connection): Snippet[] {
  if (client === 'claude')
    return [
      {
        label: 'In a terminal',
        text: `claude mcp add --transport http countersign ${mcpUrl} --header "Authorization: Bearer ${token}"`,
      },
    ];
  if (client === 'cursor')
    return [
      {
        label: '~/.cursor/mcp.json',
        text: JSON.stringify(
          { mcpServers: { countersign: { url: mcpUrl, headers: { Authorization: `Bearer ${token}` } } } },
          null,
          2,
        ),
        wrap: false,
      },
    ];
  return [
    { label: 'In the shell that starts Codex', text: `export COUNTERSIGN_TOKEN=${token}` },
    {
      label: '~/.codex/config.toml',
      text: [
        '[mcp_servers.countersign]',
        `url = "${mcpUrl}"`,
        'bearer_token_env_var = "COUNTERSIGN_TOKEN"',
        'default_tools_approval_mode = "approve"',
      ].join('\n'),
      wrap: false,
    },
  ];
}

/** As a process of the assistant's: where HTTP does not reach the control plane, or its certificate is home-made. */
export function stdioSnippets(client: Client, { stdioCommand, token }: Connection): Snippet[] {
  const [command = '', ...args] = stdioCommand.split(' ');
  if (client === 'claude')
    return [
      {
        label: 'In a terminal',
        text: `claude mcp add countersign --env COUNTERSIGN_TOKEN=${token} -- ${stdioCommand}`,
      },
    ];
  if (client === 'cursor')
    return [
      {
        label: '~/.cursor/mcp.json',
        text: JSON.stringify(
          { mcpServers: { countersign: { command, args, env: { COUNTERSIGN_TOKEN: token } } } },
          null,
          2,
        ),
        wrap: false,
      },
    ];
  return [
    {
      label: '~/.codex/config.toml',
      text: [
        '[mcp_servers.countersign]',
        `command = ${JSON.stringify(command)}`,
        `args = ${JSON.stringify(args)}`,
        `env = { COUNTERSIGN_TOKEN = ${JSON.stringify(token)} }`,
        'default_tools_approval_mode = "approve"',
      ].join('\n'),
      wrap: false,
    },
  ];
}
