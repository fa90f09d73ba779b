/** The installed agent on a server of its own, under real systemd. The control plane is played by the test, over TLS with its key pinned. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootHost, type Host } from '../../../test/hosts/host.ts';
import { lendPackage } from '../../../test/world/lent-package.ts';
import { agentPackage, ownPlatform } from '../../install/agent-package.ts';
import { makeCertificate, pinOf } from '../link/certificate.ts';
import { ControlPlane, type Peer } from '../link/control-plane.ts';
import { until } from './bed.ts';

export class InstalledServer implements AsyncDisposable {
  readonly host: Host;
  readonly controlPlane: ControlPlane;
  readonly #folder: string;

  private constructor(host: Host, controlPlane: ControlPlane, folder: string) {
    this.host = host;
    this.controlPlane = controlPlane;
    this.#folder = folder;
  }

  /** Boots a host and installs the agent there, enrolled, with this policy. */
  static async boot(policy: string): Promise<InstalledServer> {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-systemd-'));
    const host = await bootHost({ name: 'web-1' });
    const tls = makeCertificate(folder, 'control-plane');
    const controlPlane = await ControlPlane.start(tls, host.gateway);
    const server = new InstalledServer(host, controlPlane, folder);
    await server.#install(pinOf(tls), policy);
    return server;
  }

  async #install(pin: string, policy: string): Promise<void> {
    const { host, controlPlane } = this;
    await lendPackage(this.#folder);
    const made = await agentPackage(this.#folder, ownPlatform);
    assert.ok(made);
    const place = `/root/${made.fileName}`;
    await host.writeFile(place, readFileSync(made.path));
    await host.writeFile(`${place}.sha256`, `${made.sha256}\n`);
    await host.writeFile('/root/install.sh', readFileSync(join(import.meta.dirname, '../../install/install.sh')));
    await host.writeFile('/etc/countersign/policy.yaml', policy);
    const to = ['--url', controlPlane.url, '--cp-key', controlPlane.key.publicKey, '--tls-pin', pin, '--airgap', place];
    await host.exec(['sh', '/root/install.sh', ...to, '--token', controlPlane.behaviour.token], { timeoutMs: 60_000 });
  }

  /** The present connection of the link, or the one that comes next. `from`: how many connections are not meant. */
  linked(from = 0): Promise<Peer> {
    const open = () =>
      this.controlPlane.peers
        .slice(from)
        .filter(
          (peer) => peer.closed === undefined && peer.all('hello').some(({ serverId }) => serverId !== undefined),
        );
    return until(() => open().at(-1), 'a connection of the link', 40_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host[Symbol.asyncDispose]();
    await this.controlPlane[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
