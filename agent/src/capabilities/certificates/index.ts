/** The code behind `protocol/src/capabilities/certificates.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
