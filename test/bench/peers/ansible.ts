/** Ansible as people speed it up: pipelining on, the connection kept by ControlPersist. Source: ansible.cfg, [ssh_connection]. */
import { execFile } from 'node:child_process';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPeer } from './find-program.ts';
import type { OwnSshd } from './own-sshd.ts';

export interface OwnAnsible extends AsyncDisposable {
  /** Runs one command by the module `command`. */
  run(command: string): Promise<unknown>;
}

/** Ansible for the server behind an sshd; or the package that is missing. */
export async function ansibleOn(sshd: OwnSshd): Promise<OwnAnsible | { readonly missing: string }> {
  const ansible = findPeer('ansible');
  if ('missing' in ansible) return ansible;
  const folder = join(sshd.folder, 'ansible');
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'cp'), { recursive: true });
  const inventory = join(folder, 'hosts');
  await writeFile(
    inventory,
    `peer ansible_host=127.0.0.1 ansible_port=${sshd.port} ansible_user=${userInfo().username} ansible_ssh_private_key_file=${sshd.keyFile} ansible_python_interpreter=/usr/bin/python3\n`,
  );
  await writeFile(
    join(folder, 'ansible.cfg'),
    `[defaults]\nlocal_tmp = ${folder}/tmp\nhost_key_checking = False\ngathering = explicit\n[ssh_connection]\npipelining = True\ncontrol_path_dir = ${folder}/cp\nssh_args = -F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/dev/null\n`,
  );
  const env = { ...process.env, ANSIBLE_CONFIG: join(folder, 'ansible.cfg'), HOME: folder };
  const argv = ['peer', '-i', inventory, '-m', 'command', '-a'];
  return {
    run: (command) => promisify(execFile)(ansible.path, [...argv, command], { env }),
    [Symbol.asyncDispose]: () => closeKept(join(folder, 'cp')),
  };
}

/** What ControlPersist keeps open would outlive us by a minute. */
async function closeKept(folder: string): Promise<void> {
  const ssh = findPeer('ssh');
  if ('missing' in ssh) return;
  for (const socket of await readdir(folder))
    await promisify(execFile)(ssh.path, ['-F', 'none', '-S', join(folder, socket), '-O', 'exit', 'peer']).catch(
      () => undefined, // it was gone already
    );
}
