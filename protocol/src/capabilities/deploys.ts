/** Releases of applications: what runs, whether it is well, and the way back. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
