/** The code behind `protocol/src/capabilities/certificates.ts`. */
import type { Changers, Observers } from '../capability.ts';
import { certificateLineage, certificateServed } from './certificate-probes.ts';
import { certificateRehearse, certificateRenew, certificateRestore } from './certificate-renew.ts';
import { tlsCerts } from './tls-certs.ts';

export const diagnostics = { tls_certs: tlsCerts } satisfies Partial<Observers>;
export const probes = {
  'certificate.served': certificateServed,
  'certificate.lineage': certificateLineage,
} satisfies Partial<Observers>;
export const changes = {
  'certificate.rehearse': certificateRehearse,
  'certificate.renew': certificateRenew,
  'certificate.restore': certificateRestore,
} satisfies Partial<Changers>;
