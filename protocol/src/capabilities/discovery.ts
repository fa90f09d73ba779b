/** What there is on a server. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
