/** Where the install script puts each version of the agent, a folder beside the other. */
export const OWN_FOLDER = '/opt/countersign';

/** The version of the agent that a file belongs to: `0.1.0-1a2b3c4d`; `null` when to none that was installed. */
export function versionOfFile(path: string): string | null {
  return /^\/opt\/countersign\/versions\/([A-Za-z0-9][A-Za-z0-9.-]*)\//.exec(path)?.[1] ?? null;
}
