/** The clock of the server. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
