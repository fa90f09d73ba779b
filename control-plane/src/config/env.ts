/** The environment: the only file of the control plane that reads `process.env`. Values are raw text; `config.ts` gives them meaning. */

/** Every variable that the control plane and its command line read, and what it is for. */
export const variables = {
  COUNTERSIGN_PORT: 'Port to listen on; 7070 by default.',
  COUNTERSIGN_HOST: 'Address to listen on; 127.0.0.1 by default.',
  COUNTERSIGN_DATA: 'Folder for database and keys; ./data by default.',
  COUNTERSIGN_PLAYBOOKS:
    'Folders with playbooks of your own, separated by colons; playbooks in the data folder by default.',
  COUNTERSIGN_URL: 'Address under which people and servers reach the control plane.',
  COUNTERSIGN_LOCAL_AGENT: 'What the agent of this machine may do: observe (default), act or off.',
  COUNTERSIGN_TLS_CERT: 'File with the TLS certificate chain, PEM.',
  COUNTERSIGN_TLS_KEY: 'File with the private key of the certificate, PEM.',
  COUNTERSIGN_BEHIND_PROXY: '1 when a reverse proxy in front speaks TLS and sets X-Forwarded-For.',
  TELEGRAM_BOT_TOKEN: 'Token of the Telegram bot, from @BotFather.',
  TELEGRAM_API_ROOT: 'Address of another Telegram Bot API server; https://api.telegram.org by default.',
  COUNTERSIGN_CONFIG: 'File in which the command line keeps its session.',
  COUNTERSIGN_TOKEN: 'Token for `countersign mcp` (stdio), instead of the stored session.',
  COUNTERSIGN_FAIL_POINT: 'For tests: the place at which this process dies.',
  SSH_AUTH_SOCK: 'Socket of your ssh-agent, for approvals that it signs.',
  INIT_CWD: 'Where npm was called, set by npm: files that you name to the command line are found from there.',
  NO_COLOR: 'When set, the command line prints without colours (no-color.org).',
} as const;

export type VariableName = keyof typeof variables;
export type Env = Readonly<Partial<Record<VariableName, string>>>;

/** Reads our variables. Empty values count as absent; white space around values is dropped. */
export function readEnv(source: Readonly<Record<string, string | undefined>> = process.env): Env {
  const names = Object.keys(variables) as VariableName[];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = source[name]?.trim();
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

/** The environment for a child process of ours: the parent's, with some values set or (undefined) taken away. */
export function childEnv(changes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const merged: Record<string, string | undefined> = { ...process.env, ...changes };
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
