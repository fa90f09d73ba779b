/** The machine as a whole, and the agent itself. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
