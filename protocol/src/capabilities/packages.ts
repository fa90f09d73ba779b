/** Packages of Debian. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
