/** The version of this control plane. */
import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
