/** The code behind `protocol/src/capabilities/kubernetes.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
