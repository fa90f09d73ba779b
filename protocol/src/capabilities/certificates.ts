/** TLS certificates. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
