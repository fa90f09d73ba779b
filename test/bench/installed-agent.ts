/** The agent as servers have it: the package, unpacked as install.sh does, started by its own launcher with whatever that tells Node. */
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fault } from '@countersign/protocol';
import { agentPackage, ownPlatform } from '../../agent/install/agent-package.ts';

let unpacked: Promise<readonly string[]> | undefined;

/** argv that runs it. Unpacked once in a run of the bench. */
export function installedAgent(): Promise<readonly string[]> {
  unpacked ??= unpack();
  return unpacked;
}

async function unpack(): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-installed-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const found = await agentPackage(folder, ownPlatform);
  if (found === undefined) throw fault('package_missing', { platform: ownPlatform });
  await promisify(execFile)('tar', ['-xzf', found.path, '-C', folder, '--no-same-owner']);
  return [join(folder, 'bin/countersign-agent')];
}
