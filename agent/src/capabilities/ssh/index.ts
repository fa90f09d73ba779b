/** The code behind `protocol/src/capabilities/ssh.ts`. */

export const diagnostics = {};
export const probes = {};
export const changes = {};
