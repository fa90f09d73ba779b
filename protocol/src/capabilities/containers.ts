/** Containers of Docker, and projects of Compose. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
