/** Kubernetes by way of kubectl. Optional. */
export const diagnostics = {};

export const probes = {};

export const changes = {};
