/** How apt and dpkg are kept from asking anybody. Sources: debconf(7), dpkg(1), needrestart(1). */

/** Nobody answers: defaults are taken, changes are not listed, and services are not restarted behind the plan's back. */
export const QUIET = {
  DEBIAN_FRONTEND: 'noninteractive',
  APT_LISTCHANGES_FRONTEND: 'none',
  NEEDRESTART_MODE: 'l',
} as const;

/** Configuration files that were changed by hand stay. */
export const KEEP_FILES = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'] as const;
