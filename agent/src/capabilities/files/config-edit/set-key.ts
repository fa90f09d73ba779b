import type { ParametersOf } from '@countersign/protocol';
import type { Edited, Setting } from './edit.ts';
import { setEnv } from './env.ts';
import { setIni } from './ini.ts';
import { setNginx } from './nginx.ts';
import { setTree } from './tree.ts';

/**
 * Sets one key in the text of a configuration file and changes nothing else of it. Throws `invalid_input` when the key cannot
 * be found for sure, or the value would not stay inside of it.
 */
export function setKey(format: ParametersOf<'config.set_key'>['format'], text: string, setting: Setting): Edited {
  switch (format) {
    case 'ini':
      return setIni(text, setting);
    case 'env':
      return setEnv(text, setting);
    case 'nginx':
      return setNginx(text, setting);
    case 'json':
    case 'yaml':
      return setTree(format, text, setting);
  }
}
