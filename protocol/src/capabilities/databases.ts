/** PostgreSQL and Redis. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
