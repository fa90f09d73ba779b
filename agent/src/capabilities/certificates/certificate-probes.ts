import type { Observer } from '../capability.ts';
import { probeServed } from '../network/local-probe.ts';
import { certificateIn, readLinks, versionOf } from './lineage.ts';
import { daysLeft, fingerprint, names, parseChain } from './x509.ts';

/** What this server serves for a name, asked by a connection to itself. */
export const certificateServed: Observer<'certificate.served'> = async ({ host, port }, context) => {
  const [leaf] = parseChain((await probeServed(context, port, host)).chain);
  if (leaf === undefined) return { served: false, days_left: -1, names_host: false, sha256: '' };
  return {
    served: true,
    days_left: daysLeft(leaf, context.clock.now()),
    names_host: names(leaf, host),
    sha256: fingerprint(leaf),
  };
};

/** What certbot keeps under a name. */
export const certificateLineage: Observer<'certificate.lineage'> = async ({ name }, context) => {
  const [links, leaf] = [readLinks(name), certificateIn(name)];
  if (links === null || leaf === null) return { exists: false, days_left: -1, version: 0 };
  return { exists: true, days_left: daysLeft(leaf, context.clock.now()), version: versionOf(links) };
};
