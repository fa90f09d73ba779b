/** The tables of what can be run and where, as `tables.ts` tells the others. */

/** A playbook as it was in force from `seen_at` on. */
export interface PlaybookVersionTable {
  playbook: string;
  seen_at: number;
  sha256: string;
  version: number;
  /** Null when its file was taken away. */
  yaml: string | null;
  /** `built in`, or the path of its file. */
  source: string;
  /** The owner of the file on this machine, by name; null for a built-in one. */
  changed_by: string | null;
  /** When the file says that it was written last. */
  changed_at: number | null;
}

/** What was found on a server, and what was found the time before. */
export interface DiscoveryTable {
  server_id: string;
  found_at: number;
  found_json: string;
  before_at: number | null;
  before_json: string | null;
}
