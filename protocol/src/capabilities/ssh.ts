/** Logins over SSH. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
