/** What may stand in the settings file, and the text of a new one. All problems of a file are named at once. */
import { dirname, join } from 'node:path';
import { publicKeySchema } from '@countersign/protocol';
import { tlsPinPattern } from '@countersign/protocol/key-patterns';
import { z } from 'zod';
import { parseSettings } from './host/yaml.ts';

const absolute = z.string().regex(/^\/[^\0]*$/, 'an absolute path');
const isLoopback = (host: string) => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);

const urlSchema = z
  .url({ protocol: /^https?$/, error: 'an address such as https://countersign.example.org:7070' })
  .transform((url) => url.replace(/\/+$/, ''))
  .refine(
    (url) => url.startsWith('https:') || isLoopback(new URL(url).hostname),
    'plain http is for this machine only; use https',
  );

export const settingsSchema = z.strictObject({
  url: urlSchema,
  control_plane_key: publicKeySchema,
  tls_pin: z.string().regex(tlsPinPattern, 'sha256// and 44 base64 characters').optional(),
  ca_file: absolute.optional(),
  proxy: z.url({ protocol: /^http$/, error: 'an address such as http://proxy.example.org:3128' }).optional(),
  state_dir: absolute.optional(),
  runner_state_dir: absolute.optional(),
  runner_socket: absolute.optional(),
  policy_file: absolute.optional(),
});
export type Settings = z.output<typeof settingsSchema>;

/** The settings in the text of a file. Throws `SettingsProblem` when they do not fit. */
export function parseSettingsFile(text: string, file: string): Settings {
  return parseSettings(text, settingsSchema, file);
}

/** What `enroll` was given, as the text of a settings file. Throws `SettingsProblem` when it does not fit. */
export function settingsText(
  file: string,
  given: {
    url?: string | undefined;
    cpKey?: string | undefined;
    tlsPin?: string | undefined;
    caFile?: string | undefined;
    proxy?: string | undefined;
  },
): string {
  const folder = dirname(file);
  const members = {
    url: given.url,
    control_plane_key: given.cpKey,
    tls_pin: given.tlsPin,
    ca_file: given.caFile,
    proxy: given.proxy,
    state_dir: join(folder, 'link'),
    runner_state_dir: join(folder, 'runner'),
    policy_file: join(folder, 'policy.yaml'),
  };
  const lines = Object.entries(members).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${JSON.stringify(value)}`],
  );
  const text = `# Written by \`countersign-agent enroll\`. What may happen here is decided in policy.yaml beside this file.\n${lines.join('\n')}\n`;
  parseSettings(text, settingsSchema, 'the settings');
  return text;
}
