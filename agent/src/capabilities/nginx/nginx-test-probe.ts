import { fault } from '@countersign/protocol';
import type { Observer } from '../capability.ts';
import { testNginx } from './nginx-test.ts';

/** Whether nginx accepts its configuration. Rejects with `capability_failed` where nginx is not installed. */
export const nginxTestProbe: Observer<'nginx.test'> = async (_, context) => {
  const test = await testNginx(context);
  if (!test.installed) throw fault('capability_failed', { capability: 'nginx.test', reason: 'nginx is not installed' });
  return { valid: test.valid, output: test.output.slice(0, 8000) };
};
